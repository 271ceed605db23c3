/** Name servers if systemd-resolved answers and systemd-networkd owns the links: what resolved is told, and when. */
import assert from 'node:assert/strict';
import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DNS_DROP_INS, renderDropIn } from '../../../../agent/clients/networkd/drop-in.ts';
import { resolvConfFileCheck } from '../../../../agent/doctor/checks/resolv-conf-file-check.ts';
import { resolvedCheck as examined } from '../../../../agent/doctor/checks/resolved-check.ts';
import { converge } from '../../../../agent/hold/converge.ts';
import { ORIGINALS, Originals } from '../../../../agent/hold/originals/originals.ts';
import { dnsChangeJournal } from '../../../../agent/hold/proof/dns-change-journal.ts';
import { settingViews } from '../../../../agent/hold/settings-view.ts';
import { HostError } from '../../../../agent/host/errors.ts';
import { WAY_BACK } from '../../../../agent/resources/leftovers.ts';
import { Resolver } from '../../../../agent/resources/resolver/resolver.ts';
import { codes, type FolderHost, type Patient, seenOn } from '../../../parts/doctor-patient.ts';
import {
  brief,
  DROP_IN,
  dnsOf,
  FILES,
  link,
  NetworkdHost,
  networkdHost,
  OLD_DROP_IN,
  OTHERS,
  READ,
  resolved,
  SERVICE,
  STATE,
  YAML,
} from '../../../parts/networkd-host.ts';
import { missing, scratch } from '../../../parts/scratch.ts';

const skip = missing('flock');

test('networkd: the link is told, the drop-in is written, and the second time nothing happens', { skip }, async (t) => {
  const host = networkdHost(t);
  const resource = resolved(host);
  assert.deepEqual(await brief(resource), ['eth0 drifted', `${DROP_IN} drifted`, `${SERVICE} drifted`]);
  const outcomes = await converge(host, [resource]);
  assert.deepEqual(
    outcomes.map(({ key, result, actual }) => `${key} ${result} ${key === 'eth0' ? actual : ''}`),
    [
      'eth0 changed 10.0.0.21 2001:db8::53, domains example.com example.org ~.',
      `${DROP_IN} changed `,
      `${SERVICE} changed `,
    ],
  );
  const told = ['dns eth0 10.0.0.21 2001:db8::53', 'domain eth0 example.com example.org ~.'];
  assert.deepEqual(host.told, told);
  assert.equal(
    host.readText(DROP_IN)?.replace(/^#.*\n/gm, ''),
    `[Network]
DNS=
DNS=10.0.0.21 2001:db8::53
Domains=
Domains=example.com example.org ~.

[DHCPv4]
UseDNS=no
UseDomains=no

[DHCPv6]
UseDNS=no
UseDomains=no

[IPv6AcceptRA]
UseDNS=no
UseDomains=no
`,
  );
  assert.deepEqual(
    (await converge(host, [resource])).map(({ result }) => result),
    ['ok', 'ok', 'ok'],
  );
  assert.deepEqual(host.told, told);
  assert.deepEqual(host.asked, ['daemon-reload'], 'once, and nothing is reloaded or restarted beside it');
  assert.equal(host.lstat(OLD_DROP_IN), null);
  assert.equal(host.lstat(READ), null, 'what systemd-networkd reads changes only when it starts');
});

test('networkd: each setting at its three moments; what systemd-resolved has not is said', { skip }, async (t) => {
  const host = networkdHost(t);
  const resource = resolved(host, `${YAML.slice(0, -1)}, domain: example.com, sortlist: [10.0.0.0/8] }`);
  const states = async () =>
    (await settingViews(await resource.inspect())).map(({ setting, moments }) => {
      return `${setting} ${Object.values(moments).map(({ moment, state }) => `${moment}:${state}`)}`;
    });
  assert.deepEqual(await states(), [
    'dns.search now:drifted,lease:drifted,boot:drifted',
    'dns.nameservers now:drifted,lease:drifted,boot:drifted',
    'dns.domain now:skipped',
    'dns.sortlist now:skipped',
    'dns.options now:skipped',
  ]);
  await converge(host, [resource]);
  assert.deepEqual((await states()).slice(0, 2), [
    'dns.search now:ok,lease:ok,boot:ok',
    'dns.nameservers now:ok,lease:ok,boot:ok',
  ]);
});

test('networkd: a link that is right only by its lease is not held, because the next lease may differ', {
  skip,
}, async (t) => {
  const host = networkdHost(t, { files: { [STATE]: link('10.0.0.21') } });
  const resource = resolved(host, 'dns: { nameservers: [10.0.0.21] }');
  const [finding] = await resource.inspect();
  assert.equal(finding?.state, 'drifted');
  assert.match(finding?.reason ?? '', /right by the present lease only: apply makes systemd-networkd keep it/);
  await converge(host, [resource]);
  assert.deepEqual(host.told, ['dns eth0 10.0.0.21'], 'and domains, which are not configured, are left alone');
  assert.deepEqual(await brief(resource), ['eth0 ok', `${DROP_IN} ok`, `${SERVICE} ok`]);
});

test('networkd: a systemd-networkd that started with the drop-in need not be told', { skip }, async (t) => {
  const yaml = 'dns: { nameservers: [10.0.0.21] }';
  const read = (dns: string) => ({ [STATE]: link('10.0.0.21'), [READ.slice(1)]: renderDropIn(dnsOf(dns)!)! });
  const state = async (dns: string) => (await brief(resolved(networkdHost(t, { files: read(dns) }), yaml)))[0];
  assert.equal(await state(yaml), 'eth0 ok');
  assert.equal(await state('dns: { nameservers: [10.0.0.22] }'), 'eth0 drifted', 'it read an earlier configuration');
});

test('networkd: what a link was told counts for the service as well as in a shell, and not after a reboot', {
  skip,
}, async (t) => {
  const host = networkdHost(t);
  await converge(host, [resolved(host)]);
  // The daemon is another process, and in a container it may see another boot_id.
  const daemon = () => new NetworkdHost(host.root, { others: OTHERS });
  assert.equal((await brief(resolved(daemon())))[0], 'eth0 ok');
  rmSync(join(host.root, 'run/holdfast'), { recursive: true });
  assert.equal((await brief(resolved(daemon())))[0], 'eth0 drifted', 'the same process number after a reboot');
});

test('networkd: only links that have name servers; without any, those whose lease has a router', {
  skip,
}, async (t) => {
  const second = 'run/systemd/netif/links/3';
  const storage = networkdHost(t, { files: { [second]: link('') } });
  const atBoot = [`${DROP_IN} drifted`, `${SERVICE} drifted`];
  assert.deepEqual(await brief(resolved(storage)), ['eth0 drifted', ...atBoot]);
  const both = networkdHost(t, { files: { [second]: link('10.0.0.2') } });
  assert.deepEqual(await brief(resolved(both)), ['eth0 drifted', 'eth1 drifted', ...atBoot]);
  const files = { [STATE]: link(''), [second]: link(''), 'run/systemd/netif/leases/3': 'ROUTER=10.0.0.1\n' };
  assert.deepEqual(await brief(resolved(networkdHost(t, { files }))), ['eth1 drifted', ...atBoot]);
});

test('networkd: it leaves alone what is not systemd-resolved with systemd-networkd', { skip }, async (t) => {
  const none = async (patient: Patient, yaml = YAML) =>
    assert.deepEqual(await brief(resolved(networkdHost(t, patient), yaml)), []);
  await none({ others: { 'systemd-network': OTHERS['systemd-network'] } });
  await none({ others: { 'systemd-resolve': OTHERS['systemd-resolve'] } });
  await none({ live: false });
  await none({ files: { [STATE]: 'ADMIN_STATE=unmanaged\nDNS=10.0.0.1\n' } });
  await none({ files: { [STATE]: 'NETWORK_FILE=/etc/systemd/network/..\nDNS=10.0.0.1\n' } });
  await none({}, YAML.replace('{', '{ symlink: replace,'));
  await none({}, 'sysctl: { net.ipv4.ip_forward: 1 }');
});

test('networkd: nss-resolve before dns is systemd-resolved too, with a resolv.conf that is a file', {
  skip,
}, async (t) => {
  const at = (hosts: string) => {
    const files = { ...FILES, 'etc/resolv.conf': 'nameserver 10.0.0.1\n', 'etc/nsswitch.conf': `hosts: ${hosts}\n` };
    return brief(resolved(new NetworkdHost(scratch(t, files), { others: OTHERS })));
  };
  assert.equal((await at('files resolve [!UNAVAIL=return] dns')).length, 3);
  assert.deepEqual(await at('files dns # resolve'), []);
});

test("networkd: resolv.conf is left to systemd-resolved only where it is told; else it is refused as anyone's link", {
  skip,
}, async (t) => {
  const states = async (host: FolderHost) => {
    return (await new Resolver(host, dnsOf(YAML)).inspect()).map(({ state, refusal }) => [
      state,
      refusal !== undefined,
    ]);
  };
  assert.deepEqual(await states(networkdHost(t)), [['skipped', false]]);
  assert.deepEqual(await states(networkdHost(t, { files: { [STATE]: '' } })), [['drifted', true]]);
});

test('networkd: a link that another client serves too is refused', { skip }, async (t) => {
  const files = { 'run/systemd/netif/leases/2': 'ADDRESS=10.0.0.9\nROUTER=10.0.0.1\n' };
  const host = networkdHost(t, { files, dhclients: { 12: 'dhclient eth0' } });
  const outcomes = await converge(host, [resolved(host)]);
  assert.deepEqual(
    outcomes.map(({ result }) => result),
    ['failed', 'failed', 'failed'],
  );
  assert.match(outcomes[0]?.reason ?? '', /eth0 is served by dhclient\[12\] and systemd-networkd\[30\]/);
  assert.deepEqual(host.told, []);
});

test('networkd: servers of the lease behind ours are one refusal, because systemd 247 keeps them until its restart', {
  skip,
}, async (t) => {
  const host = networkdHost(t);
  const resource = resolved(host, 'dns: { nameservers: [10.0.0.21] }');
  const [finding] = await resource.inspect();
  assert.equal(finding?.refusal, undefined, 'not before it was told');
  host.appends = ['10.0.0.1'];
  for (const changed of [true, undefined]) {
    const [outcome] = await converge(host, [resource]);
    assert.deepEqual([outcome?.result, outcome?.changed], ['failed', changed]);
    assert.match(outcome?.reason ?? '', /keeps 10\.0\.0\.1 of the lease behind ours/);
  }
  assert.deepEqual(host.told, ['dns eth0 10.0.0.21']);
});

test('networkd: resolvectl that fails is an outcome, and nothing counts as held', { skip }, async (t) => {
  const host = networkdHost(t, { files: { [STATE]: link('10.0.0.21') } });
  const resource = resolved(host, 'dns: { nameservers: [10.0.0.21] }');
  host.answer = { status: 1, stderr: 'Failed to set DNS configuration: Access denied\n' };
  const [outcome] = await converge(host, [resource]);
  assert.equal(outcome?.result, 'failed');
  assert.match(outcome?.reason ?? '', /resolvectl dns eth0: Failed to set DNS configuration: Access denied/);
  assert.equal((await brief(resource))[0], 'eth0 drifted');
});

test('networkd: a drop-in that comes after ours has the last word at boot', { skip }, async (t) => {
  const later = 'usr/lib/systemd/network/10-lan.network.d/zzz.conf';
  const host = networkdHost(t, { files: { [later]: '[Network]\nDNS=10.9.9.9\n' } });
  await converge(host, [resolved(host)]);
  const views = await settingViews(await resolved(host).inspect());
  const { boot, lease } = views.find(({ setting }) => setting === 'dns.nameservers')!.moments;
  assert.deepEqual([lease?.state, boot?.state], ['ok', 'unknown']);
  assert.match(boot?.reason ?? '', /zzz\.conf/);
  const seen = seenOn(host, examined, { yaml: YAML });
  assert.deepEqual(
    seen.map(({ code, severity, seen }) => [code, severity, seen]),
    [
      ['HF-RESOLVED', 'warning', 'name servers and search domains are held on eth0; options cannot be held there'],
      ['HF-NETWORKD-LATER', undefined, `/${later}`],
    ],
  );
  // A file that does not name them, or that comes earlier in the order.
  const quiet = { [later]: '[Network]\nLLMNR=no\n', [later.replace('zzz', 'a')]: '[Network]\nDNS=10.9.9.9\n' };
  const other = networkdHost(t, { files: quiet });
  assert.deepEqual(codes(seenOn(other, examined, { yaml: YAML })), ['HF-RESOLVED']);
});

test("networkd: doctor accepts systemd-resolved's link only if the link is told our settings", { skip }, (t) => {
  const look = (patient: Patient) => codes(seenOn(networkdHost(t, patient), resolvConfFileCheck, { yaml: YAML }));
  assert.deepEqual(look({}), []);
  assert.deepEqual(look({ others: {} }), ['HF-RESOLV-LINK']);
});

test('doctor: without a configuration, nobody is told to replace the link that would be held through', {
  skip,
}, (t) => {
  const look = (patient: Patient) => {
    const host = networkdHost(t, patient);
    return [...seenOn(host, resolvConfFileCheck, {}), ...seenOn(host, examined, {})];
  };
  const [found, ...more] = look({});
  assert.deepEqual([found?.code, more], ['HF-RESOLVED', []]);
  assert.match(found?.seen ?? '', /`dns` would be held on eth0$/);
  assert.deepEqual(codes(look({ others: {} })), ['HF-RESOLV-LINK']);
});

test('networkd: a change that fails its proof is put back, on the link and in the drop-in', { skip }, async (t) => {
  const host = networkdHost(t);
  const journal = dnsChangeJournal(host, async () => WAY_BACK);
  const change = async (yaml: string) => {
    journal.note(DROP_IN, renderDropIn(dnsOf(yaml)!));
    journal.note(SERVICE, DNS_DROP_INS.serviceText);
    journal.noteLink('eth0');
    await converge(host, [resolved(host, yaml)]);
  };
  await change(YAML);
  assert.deepEqual(await dnsChangeJournal(host, async () => WAY_BACK).putBack(), []);
  assert.equal(host.told.at(-1), 'revert eth0', 'nothing was told before');
  assert.equal(host.lstat(DROP_IN.slice(0, DROP_IN.lastIndexOf('/'))), null);
  assert.equal(host.lstat(SERVICE.slice(0, SERVICE.lastIndexOf('/'))), null);
  assert.deepEqual(new Originals(host).all(), []);

  await converge(host, [resolved(host)]);
  await change(YAML.replace('10.0.0.21', '10.0.0.99'));
  assert.match(host.told.at(-2)!, /10\.0\.0\.99/);
  assert.deepEqual(await dnsChangeJournal(host, async () => WAY_BACK).putBack(), []);
  assert.deepEqual(host.told.slice(-2), ['dns eth0 10.0.0.21 2001:db8::53', 'domain eth0 example.com example.org ~.']);
  assert.deepEqual(await brief(resolved(host)), ['eth0 ok', `${DROP_IN} ok`, `${SERVICE} ok`]);
});

/** Our own servers and domains on a link that is up. */
const HELD = link('10.0.0.21 2001:db8::53').replace(
  'DOMAINS=\nROUTE_DOMAINS=',
  'DOMAINS=example.com example.org\nROUTE_DOMAINS=.',
);
const UP = `${HELD}OPER_STATE=routable\n`;
const STUB_FILE = 'run/systemd/resolve/stub-resolv.conf';
const STUB_TEXT = 'nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch example.com example.org\n';
const SERVERS_TEXT = 'nameserver 10.0.0.21\nnameserver 2001:db8::53\nsearch example.com example.org\n';

test("networkd: what another program writes through the link into systemd-resolved's file is seen", {
  skip,
}, async (t) => {
  const look = async (text: string, { state = UP, stub = true } = {}) => {
    const read = { [READ.slice(1)]: renderDropIn(dnsOf(YAML)!)! };
    const host = networkdHost(t, {
      files: { ...read, [STATE]: state, [stub ? STUB_FILE : STUB_FILE.replace('stub-', '')]: text },
    });
    if (!stub) {
      // systemd-resolved without its stub makes no such file.
      rmSync(join(host.root, STUB_FILE));
      symlinkSync('resolv.conf', join(host.root, STUB_FILE));
    }
    const [finding] = await resolved(host).inspect();
    const now = (await settingViews([finding!])).map(({ moments }) => moments.now?.state);
    const isSeen = codes(seenOn(host, examined, { yaml: YAML })).includes('HF-RESOLVED-FILE');
    assert.equal(isSeen, finding?.state === 'drifted', 'status and doctor agree');
    return [finding?.state, now[0], now[1]];
  };
  const ok = ['ok', 'ok', 'ok'];
  assert.deepEqual(await look(STUB_TEXT), ok);
  assert.deepEqual(await look(SERVERS_TEXT, { stub: false }), ok);
  assert.deepEqual(
    await look('nameserver 127.0.0.53\n', { state: HELD }),
    ok,
    'the link is not up: nothing of it is written',
  );
  assert.deepEqual(await look(STUB_TEXT.replace('127.0.0.53', '192.0.2.66')), ['drifted', 'ok', 'drifted']);
  assert.deepEqual(await look(`${STUB_TEXT}nameserver 192.0.2.66\n`), ['drifted', 'ok', 'drifted']);
  assert.deepEqual(await look('search example.com example.org\n'), ['drifted', 'ok', 'drifted'], 'libc asks nobody');
  assert.deepEqual(await look(''), ['drifted', 'drifted', 'drifted']);
  const search = STUB_TEXT.replace('example.com example.org', 'evil.example');
  assert.equal((await look(search))[0], 'drifted');
  assert.equal((await look(SERVERS_TEXT.replace('10.0.0.21', '192.0.2.66'), { stub: false }))[0], 'drifted');
});

test("networkd: systemd-resolved's file is right again as soon as the link is told", { skip }, async (t) => {
  const host = networkdHost(t, { files: { [STATE]: UP, [STUB_FILE]: 'nameserver 192.0.2.66\n' } });
  host.afterTold = () => host.replace(`/${STUB_FILE}`, STUB_TEXT);
  const [before] = await resolved(host).inspect();
  assert.match(before?.reason ?? '', /stub-resolv\.conf, which is systemd-resolved's: libc asks 192\.0\.2\.66 now/);
  assert.ok(resolved(host).watches().includes(`/${STUB_FILE}`));
  const [outcome] = await converge(host, [resolved(host)]);
  assert.equal(outcome?.result, 'changed');
  assert.deepEqual(host.told, ['dns eth0 10.0.0.21 2001:db8::53', 'domain eth0 example.com example.org ~.']);
});

test('networkd: an ordinary user sees the link as it is now; of the next lease only root can tell', {
  skip,
}, async (t) => {
  const host = networkdHost(t);
  await converge(host, [resolved(host)]);
  const lstat = host.lstat.bind(host);
  host.lstat = (path) => {
    if (path.startsWith(ORIGINALS)) throw new HostError('EACCES', `cannot look at ${path}`);
    return lstat(path);
  };
  const [finding] = await resolved(host).inspect();
  assert.deepEqual([finding!.key, finding!.state], ['eth0', 'unknown']);
  const states = (await finding!.settings()).filter(({ setting }) => setting === 'dns.nameservers');
  assert.deepEqual(
    states.map(({ moment, state }) => `${moment} ${state}`),
    ['now ok', 'lease unknown'],
  );
});

test('networkd: search domains that changed in the configuration are no work of another program', {
  skip,
}, async (t) => {
  const host = networkdHost(t, { files: { [STATE]: UP, [STUB_FILE]: STUB_TEXT } });
  const yaml = YAML.replace('example.com', 'other.example');
  const [finding] = await resolved(host, yaml).inspect();
  assert.deepEqual([finding!.state, finding!.reason], ['drifted', undefined]);
  assert.ok(!codes(seenOn(host, examined, { yaml })).includes('HF-RESOLVED-FILE'));
});
