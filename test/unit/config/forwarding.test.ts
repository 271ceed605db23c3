/** `forwarding` of the configuration, and the kernel's settings that it stands for. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { DesiredSysctl } from '../../../agent/config/desired.ts';
import { attribute } from '../../../agent/host/netlink/message-layout.ts';
import { Identities } from '../../../agent/host/netlink/nftables/nftables.ts';
import { changer } from '../../../agent/host/netlink/nftables/table-follower.ts';
import { AdvertisedDefaults } from '../../../agent/host/netlink/routes/advertised-routes.ts';
import { errorsOf, load } from '../../parts/config-memory.ts';
import { REPOSITORY } from '../../parts/repository.ts';
import { fill, nodeCommand, noNamespaces, privately, scratch } from '../../parts/scratch.ts';

async function sysctls(yaml: string): Promise<readonly DesiredSysctl[]> {
  const result = await load(yaml);
  assert.ok(result.ok, JSON.stringify(result));
  return result.desired.sysctl;
}

test('forwarding: each key is held for all, for new and for every present interface', async () => {
  const lines = async (yaml: string) =>
    (await sysctls(yaml)).map(({ setting, key, want }) => `${setting}: ${key} ${JSON.stringify(want)}`);
  assert.deepEqual(await lines('forwarding: { ipv4: true }'), [
    'forwarding.ipv4: net.ipv4.ip_forward {"value":"1"}',
    'forwarding.ipv4: net.ipv4.conf.default.forwarding {"value":"1"}',
    'forwarding.ipv4: net.ipv4.conf.*.forwarding {"value":"1"}',
  ]);
  assert.deepEqual(await lines('forwarding: { ipv6: false }'), [
    'forwarding.ipv6: net.ipv6.conf.all.forwarding {"value":"0"}',
    'forwarding.ipv6: net.ipv6.conf.default.forwarding {"value":"0"}',
    'forwarding.ipv6: net.ipv6.conf.*.forwarding {"value":"0"}',
  ]);
  assert.equal((await lines('forwarding: { redirects: off }')).length, 9);
});

test('masquerade: patterns and exceptions are read, and the notation without them stays', async () => {
  const result = await load(
    'forwarding: { masquerade: [{ out: "ppp*", from: 10.0.0.0/24, except: [10.0.0.0/8, 192.168.0.0/16] }, { out: eth0, from: "fd00::/64" }] }',
  );
  assert.ok(result.ok, JSON.stringify(result));
  assert.deepEqual(result.desired.masquerade, [
    { out: 'ppp*', from: '10.0.0.0/24', except: ['10.0.0.0/8', '192.168.0.0/16'], family: 'ipv4' },
    { out: 'eth0', from: 'fd00::/64', except: [], family: 'ipv6' },
  ]);
});

/** Each text with its errors; `agent.yaml:` is left out of them. */
const ERRORS: [yaml: string, ...errors: string[]][] = [
  ['forwarding: { ipv4: 1 }', '1:21: forwarding.ipv4: 1: write true'],
  ['forwarding: { redirects: false }', '1:26: forwarding.redirects: write off, or leave the key out'],
  ['forwarding: { redirects: on }', '1:26: forwarding.redirects: "on": write off, or leave the key out'],
  ['forwarding: { redirect: off }', '1:15: forwarding.redirect: unknown key; did you mean "redirects"?'],
  [
    'forwarding: { ipv4: true }\nsysctl: { net.ipv4.ip_forward: 1, net/ipv4/conf/eth0.7/forwarding: 0, net.ipv4.ip_default_ttl: 9 }',
    '2:11: sysctl.net.ipv4.ip_forward: forwarding.ipv4 sets this already; write it only there',
    '2:35: sysctl.net/ipv4/conf/eth0.7/forwarding: forwarding.ipv4 sets this already; write it only there',
  ],
  [
    'forwarding: { ipv6: true, redirects: off }\nsysctl: { net.ipv6.conf.all.forwarding: 1, net.ipv6.conf.eth0.accept_redirects: 1, net.ipv6.conf.eth0.accept_ra: 2 }',
    '2:11: sysctl.net.ipv6.conf.all.forwarding: forwarding.ipv6 sets this already; write it only there',
    '2:44: sysctl.net.ipv6.conf.eth0.accept_redirects: forwarding.redirects sets this already; write it only there',
  ],
  ['forwarding: { masquerade: [{ out: eth0 }] }', '1:28: forwarding.masquerade[0].from: is missing; write it'],
  [
    'forwarding: { masquerade: [{ out: "eth 0", from: 10.99.0.1/24 }] }',
    '1:35: forwarding.masquerade[0].out: "eth 0" is not an interface name; write 1 to 15 letters, digits and . _ - + @, such as eth0.100',
    '1:50: forwarding.masquerade[0].from: "10.99.0.1/24" has host bits set; write 10.99.0.0/24, or 10.99.0.1 for this one address',
  ],
  [
    'forwarding: { ipv4: false, masquerade: [{ out: eth0, from: 10.0.0.1 }, { out: eth0, from: 10.0.0.1/32 }, { out: eth0, from: "fd00::/64" }] }',
    '1:41: forwarding.masquerade[0]: 10.0.0.1/32 out of eth0 is never forwarded: forwarding.ipv4 is false',
    '1:72: forwarding.masquerade[1]: 10.0.0.1/32 out of eth0 is listed above already; keep one of them',
  ],
  ...[
    ['*', 'is every interface, also that of the clients; write how the names begin: ppp*'],
    ['p*p0', 'is not an interface name; write one * as the last character, as in ppp*'],
    ['p*p*', 'is not an interface name; write one * as the last character, as in ppp*'],
    ['ppp**', 'has several *; write ppp*'],
    ['pp p*', 'is no beginning of an interface name; write 1 to 14 letters, digits and . _ - + @ before the *'],
    [
      'a23456789012345*',
      'is no beginning of an interface name; write 1 to 14 letters, digits and . _ - + @ before the *',
    ],
  ].map(([out, message]): [string, string] => [
    `forwarding: { masquerade: [{ out: '${out}', from: 10.99.0.0/24 }] }`,
    `1:35: forwarding.masquerade[0].out: "${out}" ${message}`,
  ]),
  [
    'forwarding: { masquerade: [{ out: "ppp*", from: 10.0.0.0/24, except: ["fd00::/8", 10.0.0.1/8, 0.0.0.0/0, 10.1.0.0/16, 10.1.0.0/16] }, { out: eth0, from: 10.0.0.0/24, except: [] }] }',
    '1:71: forwarding.masquerade[0].except[0]: fd00::/8 is IPv6, and from is IPv4; take it out here',
    '1:83: forwarding.masquerade[0].except[1]: "10.0.0.1/8" has host bits set; write 10.0.0.0/8, or 10.0.0.1 for this one address',
    '1:95: forwarding.masquerade[0].except[2]: is every destination, so nothing would be masqueraded',
    '1:119: forwarding.masquerade[0].except[4]: "10.1.0.0/16" is listed above already; keep one of them',
    '1:175: forwarding.masquerade[1].except: is empty; write a network, or leave except out',
  ],
  [
    'forwarding: { masquerade: [{ out: "ppp*", from: 10.0.0.0/24, except: [10.1.0.0/16] }, { out: ppp0, from: 10.0.0.0/24 }, { out: ppp1, from: 10.0.0.0/24, except: [10.2.0.0/16, 10.1.0.0/16] }, { out: "ppp*", from: 10.0.0.0/24 }] }',
    '1:121: forwarding.masquerade[2]: 10.0.0.0/24 out of ppp1 is listed above already, by ppp*; keep one of them',
    '1:191: forwarding.masquerade[3]: 10.0.0.0/24 out of ppp* is listed above already; keep one of them',
  ],
  [
    'forwarding: { dnsmasq: { file: x.conf, networks: [] } }',
    '1:32: forwarding.dnsmasq.file: "x.conf" is not absolute; write one such as x.conf',
    '1:50: forwarding.dnsmasq.networks: is empty; write a network, or leave dnsmasq out',
  ],
  [
    'forwarding: { dnsmasq: { networks: [{ router: 10.99.0.1/24 }], dns: yes } }',
    '1:69: forwarding.dnsmasq.dns: "yes": write true',
  ],
  [
    'dns: { domain: example.com }\nforwarding: { dnsmasq: { networks: [{ router: 10.99.0.1/24 }], dns: true } }',
    '2:64: forwarding.dnsmasq.dns: tells dns.nameservers and dns.search, and neither is configured; write one there',
  ],
  [
    'dns: { search: [example.com], nameservers: ["2001:db8::53"] }\nforwarding: { dnsmasq: { networks: [{ router: 10.99.0.1/24 }], dns: true } }',
    '2:64: forwarding.dnsmasq.dns: tells only IPv4 addresses, and dns.nameservers has none; write one there',
  ],
  ['forwarding: { dnsmasq: {} }', '1:24: forwarding.dnsmasq.networks: is missing; write it'],
  [
    'forwarding: { dnsmasq: { networks: [{ router: 10.99.0.0/24, tag: a }, { router: 10.9.0.1, tag: "a,b" }, { router: "fd::1/64", tag: a }] } }',
    '1:47: forwarding.dnsmasq.networks[0].router: "10.99.0.0/24" is the network; write this host\'s own address in it',
    '1:81: forwarding.dnsmasq.networks[1].router: "10.9.0.1" has no prefix length of a network with clients; write 1 to 30, as in 10.9.0.1/24',
    '1:96: forwarding.dnsmasq.networks[1].tag: "a,b" is no tag; write letters, digits, - and _, as dnsmasq\'s dhcp-range sets it',
    '1:115: forwarding.dnsmasq.networks[2].router: "fd::1/64" is not an IPv4 address with its prefix length; write one such as 10.99.0.1/24',
    '1:132: forwarding.dnsmasq.networks[2].tag: a is used above already; give each network its own tag',
  ],
  [
    'forwarding: { dnsmasq: { networks: [{ router: 10.1.0.1/24 }, { router: 10.2.0.1/24, tag: b }] } }',
    '1:37: forwarding.dnsmasq.networks[0]: is one of several networks; give each its own tag',
  ],
];

for (const [yaml, ...expected] of ERRORS) {
  test(`error: ${yaml.split('\n').at(-1)!.slice(0, 70)}`, async () => {
    assert.deepEqual(
      (await errorsOf(yaml)).map((error) => error.replace(/^agent\.yaml:/, '')),
      expected,
    );
  });
}

const skip = noNamespaces('flock', 'ip');

/** Applies in a network namespace that `prepare` made ready, and shows what `look` prints afterwards. */
async function applied(t: TestContext, { yaml, prepare, look }: { yaml: string; prepare: string; look: string }) {
  const folder = scratch(t);
  const code = `
    import { Host } from '${REPOSITORY}/agent/host/host.ts';
    import { converge } from '${REPOSITORY}/agent/hold/converge.ts';
    import { settingViews } from '${REPOSITORY}/agent/hold/settings-view.ts';
    import { revertAll } from '${REPOSITORY}/agent/resources/revert-all.ts';
    import { Sysctl } from '${REPOSITORY}/agent/resources/sysctl/sysctl.ts';
    import { execSync } from 'node:child_process';
    const host = new Host({ root: ${JSON.stringify(folder)}, live: true });
    const look = () => execSync(${JSON.stringify(look)}, { encoding: 'utf8' }).trim();
    const sysctl = new Sysctl(host, ${JSON.stringify(await sysctls(yaml))});
    const before = { look: look(), views: await settingViews(await sysctl.inspect()) };
    const outcomes = await converge(host, [sysctl]);
    const after = { look: look(), views: await settingViews(await sysctl.inspect()) };
    const again = await converge(host, [sysctl]);
    const file = host.readText('/etc/sysctl.d/60-holdfast.conf');
    await revertAll(host);
    console.log(JSON.stringify({ before, outcomes, after, again, file, reverted: look() }));`;
  const { stdout, stderr } = privately(`cd /proc/sys/net\n${prepare}\n${nodeCommand(code)}`);
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout);
}

test('redirects: off on every interface, whatever each had, and put back by revert', { skip }, async (t) => {
  const { before, after, again, file, reverted } = await applied(t, {
    yaml: 'forwarding: { ipv4: true, redirects: off }',
    prepare: 'ip link add one type veth peer name two.7; echo 0 >ipv4/conf/one/send_redirects',
    look: 'cd /proc/sys/net/ipv4; cat ip_forward conf/all/send_redirects conf/one/send_redirects conf/two.7/send_redirects conf/two.7/accept_redirects conf/two.7/forwarding | tr "\\n" " "',
  });
  assert.equal(before.look, '0 1 0 1 1 0');
  assert.equal(after.look, '1 0 0 0 0 1');
  assert.equal(reverted, before.look);
  assert.ok(
    again.every(({ result }: { result: string }) => result === 'ok'),
    JSON.stringify(again),
  );
  const state = ({ views }: typeof before, setting: string) =>
    views.find((view: { setting: string }) => view.setting === setting).moments.now;
  assert.equal(state(before, 'forwarding.ipv4').state, 'drifted');
  assert.equal(state(before, 'forwarding.redirects').state, 'drifted');
  assert.equal(state(after, 'forwarding.redirects').state, 'ok');
  assert.match(file, /^net\.ipv4\.ip_forward = 1\n(.*\n)*-net\.ipv4\.conf\.\*\.send_redirects = 0\n/m);
});

test('forwarding: revert puts back what the kernel changed along with forwarding, too', { skip }, async (t) => {
  const { before, after, reverted } = await applied(t, {
    yaml: 'forwarding: { ipv4: true, ipv6: true }',
    prepare:
      'ip link add one type veth peer name two; echo 1 >ipv4/conf/one/forwarding; echo 1 >ipv6/conf/two/forwarding; echo 0 >ipv4/conf/all/accept_redirects',
    look: 'cd /proc/sys/net; cat ipv4/ip_forward ipv4/conf/one/forwarding ipv4/conf/two/forwarding ipv4/conf/all/accept_redirects ipv6/conf/all/forwarding ipv6/conf/one/forwarding ipv6/conf/two/forwarding | tr "\\n" " "',
  });
  assert.equal(before.look, '0 1 0 0 0 0 1');
  assert.equal(after.look, '1 1 1 0 1 1 1');
  assert.equal(reverted, before.look);
});

test('forwarding: an interface that somebody has taken out is named, and forwards again', { skip }, async (t) => {
  const { before, after } = await applied(t, {
    yaml: 'forwarding: { ipv4: true }',
    prepare: 'ip link add one type veth peer name two; echo 1 >ipv4/ip_forward; echo 0 >ipv4/conf/two/forwarding',
    look: 'cat /proc/sys/net/ipv4/conf/two/forwarding',
  });
  assert.equal(before.look, '0');
  assert.equal(after.look, '1');
  assert.equal(before.views[0].moments.now.reason, 'net.ipv4.conf.*.forwarding is 0 on two');
});

test('forwarding: a file of others that names one interface wins over our pattern at boot, and is said', {
  skip,
}, async (t) => {
  const result = await load('forwarding: { redirects: off }');
  assert.ok(result.ok);
  const { Host } = await import('../../../agent/host/host.ts');
  const { Sysctl } = await import('../../../agent/resources/sysctl/sysctl.ts');
  const root = scratch(t);
  fill(root, { 'etc/sysctl.d/10-site.conf': 'net.ipv4.conf.eth0.send_redirects = 1\n' });
  const findings = await new Sysctl(new Host({ root }), result.desired.sysctl).inspect();
  const file = findings.find(({ kind }) => kind === 'file')!;
  assert.match(file.reason ?? '', /10-site\.conf:1 sets net\.ipv4\.conf\.eth0\.send_redirects to 1 by its name/);
});

test('forwarding: a damaged list of routes names no interface', () => {
  const gather = new AdvertisedDefaults();
  const message = Buffer.alloc(16 + 12 + 8);
  message[16 + 5] = 9; // RTPROT_RA
  message.writeUInt16LE(60_000, 28); // an attribute longer than there is room
  message.writeUInt16LE(4, 30);
  assert.equal(gather.take(message, 0, message.length), false);
  message.writeUInt16LE(6, 28); // and one that is too short for an index
  gather.take(message, 0, message.length);
  assert.deepEqual([...gather.result()], []);
  message.writeUInt16LE(8, 28);
  message.writeInt32LE(7, 32);
  gather.take(message, 0, message.length);
  assert.deepEqual([...gather.result()], [7]);
});

test('forwarding: damaged lists of nftables name nothing that is ours, and keep to their length', () => {
  const kind = { new: 6, get: 7, name: 1, compared: [2, 4] } as const;
  const gather = new Identities(kind, 'holdfast');
  const body = Buffer.concat([
    Buffer.alloc(20), // both headers
    attribute(1, Buffer.from('holdfast\0')),
    attribute(2, Buffer.from('postrouting\0')),
    attribute(3, Buffer.from('any handle')),
    attribute(4, Buffer.from('what it does')),
  ]);
  gather.take(body, 0, body.length);
  const [whole] = gather.result();
  assert.equal(whole, `2:${btoa('postrouting\0')},4:${btoa('what it does')}`);
  for (let end = 0; end < body.length - 4; end += 1) gather.take(body.subarray(0, end), 0, end);
  assert.equal(gather.result().filter((one) => one === whole).length, 1);
  const other = Buffer.from(body);
  other.write('holdfasT', 24); // another's table
  const before = gather.result().length;
  gather.take(other, 0, other.length);
  assert.equal(gather.result().length, before);
  const longer = Buffer.from(body);
  longer.writeUInt16LE(60_000, 20); // longer than there is room
  gather.take(longer, 0, longer.length);
  assert.equal(gather.result().length, before);
});

test('forwarding: who changed a table is named only where the message names a process', () => {
  const body = (...parts: Buffer[]) => Buffer.concat([Buffer.alloc(20), ...parts]);
  const pid = attribute(2, Buffer.from([0, 0, 3, 44]));
  assert.equal(changer(body(pid, attribute(3, Buffer.from('nft\0')))), 'nft[812]');
  assert.equal(changer(body(pid, attribute(3, Buffer.from('a\x1b[31m\nb\0')))), 'a[31mb[812]');
  assert.equal(changer(body(attribute(2, Buffer.from([1])), attribute(3, Buffer.from('nft\0')))), null);
  assert.equal(changer(body(pid)), null);
  assert.equal(changer(Buffer.alloc(3)), null);
  const cut = body(pid, attribute(3, Buffer.from('nft\0')));
  for (let end = 0; end < cut.length - 4; end += 1) assert.equal(changer(cut.subarray(0, end)), null);
});
