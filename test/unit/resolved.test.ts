/** Name servers where systemd-resolved answers and systemd-networkd owns the links: what is told, and when nothing is. */
import assert from 'node:assert/strict';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { renderDropIn } from '../../agent/clients/networkd-dropin.ts';
import type { DesiredDns } from '../../agent/config/desired.ts';
import { resolvConfFile } from '../../agent/doctor/resolv-conf-file.ts';
import { resolved as examined } from '../../agent/doctor/resolved.ts';
import type { RunResult } from '../../agent/host/run.ts';
import { converge } from '../../agent/resources/converge.ts';
import { Journal } from '../../agent/resources/journal.ts';
import { settingViews } from '../../agent/resources/moments.ts';
import { Originals } from '../../agent/resources/originals.ts';
import { Resolved } from '../../agent/resources/resolved.ts';
import { Resolver } from '../../agent/resources/resolver.ts';
import { revert } from '../../agent/resources/revert.ts';
import { codes, desiredOf, FolderHost, type Patient, seenOn } from './doctor-patient.ts';
import { missing, scratch } from './scratch.ts';

const skip = missing('flock');
const STUB = '/run/systemd/resolve/stub-resolv.conf';
const STATE = 'run/systemd/netif/links/2';
const DROP_IN = '/etc/systemd/network/10-lan.network.d/zz-holdfast.conf';
const YAML = 'dns: { nameservers: [10.0.0.21, "2001:DB8::53"], search: [example.com, example.org], options: [rotate] }';

const link = (dns: string, more = '') =>
  `# This is private data. Do not parse.\nADMIN_STATE=configured\nNETWORK_FILE=/run/systemd/network/10-lan.network\nDNS=${dns}\nDOMAINS=\nROUTE_DOMAINS=\n${more}`;
const FILES = {
  'sys/class/net/eth0/ifindex': '2\n',
  'sys/class/net/eth1/ifindex': '3\n',
  'run/systemd/netif/links/1': 'ADMIN_STATE=unmanaged\n',
  [STATE]: link('10.0.0.1'),
  'run/systemd/resolve/stub-resolv.conf': 'nameserver 127.0.0.53\n',
};
const OTHERS = {
  'systemd-network': { 30: '/lib/systemd/systemd-networkd' },
  'systemd-resolve': { 31: '/lib/systemd/systemd-resolved' },
};

/** A host whose resolvectl works: what it is told is in the link's state, as systemd-networkd writes it. */
class NetworkdHost extends FolderHost {
  readonly told: string[] = [];
  answer: Partial<RunResult> = {};
  /** Name servers that it has behind those that it is told. */
  appends: readonly string[] = [];

  override run(program: string, args: readonly string[], options?: Parameters<FolderHost['run']>[2]): RunResult {
    if (program !== 'resolvectl') return super.run(program, args, options);
    const [verb, , name, ...values] = args;
    this.told.push([verb, name, ...values].join(' '));
    const result = { status: 0, stdout: '', stderr: '', error: null, ...this.answer };
    if (result.status === 0) this.#write(`run/systemd/netif/links/${name === 'eth0' ? 2 : 3}`, verb!, values);
    return result;
  }

  #write(state: string, verb: string, values: readonly string[]): void {
    const file = join(this.root, state);
    let text = readFileSync(file, 'utf8');
    const set = (key: string, words: readonly string[]) => {
      text = text.replace(new RegExp(`^${key}=.*$`, 'm'), `${key}=${words.join(' ')}`);
    };
    if (verb === 'revert') text = link('10.0.0.1');
    if (verb === 'dns') set('DNS', [...values, ...this.appends]);
    if (verb === 'domain') {
      set(
        'DOMAINS',
        values.filter((value) => !value.startsWith('~')),
      );
      set(
        'ROUTE_DOMAINS',
        values.filter((value) => value.startsWith('~')).map((value) => value.slice(1)),
      );
    }
    writeFileSync(file, text);
  }
}

function networkdHost(t: TestContext, { files = {}, others = OTHERS, ...more }: Patient = {}): NetworkdHost {
  const root = scratch(t, { ...FILES, 'etc/hostname': 'a\n', ...files });
  symlinkSync(`..${STUB}`, join(root, 'etc/resolv.conf'));
  return new NetworkdHost(root, { others, ...more });
}

const dnsOf = (yaml: string) => desiredOf(yaml).dns as DesiredDns | null;
const resolved = (host: FolderHost, yaml = YAML) => new Resolved(host, dnsOf(yaml));
const brief = async (resource: Resolved) => (await resource.inspect()).map(({ key, state }) => `${key} ${state}`);

test('the link is told, the drop-in is written, and the second time nothing happens', { skip }, async (t) => {
  const host = networkdHost(t);
  const resource = resolved(host);
  assert.deepEqual(await brief(resource), ['eth0 drifted', `${DROP_IN} drifted`]);
  const outcomes = await converge(host, [resource]);
  assert.deepEqual(
    outcomes.map(({ key, result, actual }) => `${key} ${result} ${key === 'eth0' ? actual : ''}`),
    ['eth0 changed 10.0.0.21 2001:db8::53, domains example.com example.org ~.', `${DROP_IN} changed `],
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
    ['ok', 'ok'],
  );
  assert.deepEqual(host.told, told);
});

test('each setting at its three moments; what systemd-resolved has not is said', { skip }, async (t) => {
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

test('right by the lease alone is not held: the next one may say otherwise', { skip }, async (t) => {
  const host = networkdHost(t, { files: { [STATE]: link('10.0.0.21') } });
  const resource = resolved(host, 'dns: { nameservers: [10.0.0.21] }');
  const [finding] = await resource.inspect();
  assert.equal(finding?.state, 'drifted');
  assert.match(finding?.reason ?? '', /the next one may say otherwise/);
  await converge(host, [resource]);
  assert.deepEqual(host.told, ['dns eth0 10.0.0.21'], 'and domains, which are not configured, are left alone');
  assert.deepEqual(await brief(resource), ['eth0 ok', `${DROP_IN} ok`]);
});

test('a systemd-networkd that started with the drop-in need not be told', { skip }, async (t) => {
  const host = networkdHost(t, { files: { [STATE]: link('10.0.0.21') } });
  const yaml = 'dns: { nameservers: [10.0.0.21] }';
  await converge(host, [resolved(host, yaml)]);
  // The processes of a patient started in 2001, and a file's ctime cannot be set: so another one that starts later.
  const original = new Originals(host).find('link', 'eth0');
  new Originals(host).forget(original!);
  const later = new NetworkdHost(host.root, { others: OTHERS });
  later.processes = (name) =>
    FolderHost.prototype.processes.call(later, name).map((one) => ({ ...one, started: Date.now() + 60_000 }));
  assert.deepEqual(await brief(resolved(later, yaml)), ['eth0 ok', `${DROP_IN} ok`]);
});

test('only links that have name servers; without any, those whose lease has a router', { skip }, async (t) => {
  const second = 'run/systemd/netif/links/3';
  const storage = networkdHost(t, { files: { [second]: link('') } });
  assert.deepEqual(await brief(resolved(storage)), ['eth0 drifted', `${DROP_IN} drifted`]);
  const both = networkdHost(t, { files: { [second]: link('10.0.0.2') } });
  assert.deepEqual(await brief(resolved(both)), ['eth0 drifted', 'eth1 drifted', `${DROP_IN} drifted`]);
  const files = { [STATE]: link(''), [second]: link(''), 'run/systemd/netif/leases/3': 'ROUTER=10.0.0.1\n' };
  assert.deepEqual(await brief(resolved(networkdHost(t, { files }))), ['eth1 drifted', `${DROP_IN} drifted`]);
});

test('it leaves alone what is not systemd-resolved with systemd-networkd', { skip }, async (t) => {
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

test('nss-resolve before dns is systemd-resolved too, with a resolv.conf that is a file', { skip }, async (t) => {
  const at = (hosts: string) => {
    const files = { ...FILES, 'etc/resolv.conf': 'nameserver 10.0.0.1\n', 'etc/nsswitch.conf': `hosts: ${hosts}\n` };
    return brief(resolved(new NetworkdHost(scratch(t, files), { others: OTHERS })));
  };
  assert.equal((await at('files resolve [!UNAVAIL=return] dns')).length, 2);
  assert.deepEqual(await at('files dns # resolve'), []);
});

test("resolv.conf is left to systemd-resolved only where it is told; else it is refused as anyone's link", {
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

test('a link that another client serves too is refused', { skip }, async (t) => {
  const files = { 'run/systemd/netif/leases/2': 'ADDRESS=10.0.0.9\nROUTER=10.0.0.1\n' };
  const host = networkdHost(t, { files, dhclients: { 12: 'dhclient eth0' } });
  const outcomes = await converge(host, [resolved(host)]);
  assert.deepEqual(
    outcomes.map(({ result }) => result),
    ['failed', 'failed'],
  );
  assert.match(outcomes[0]?.reason ?? '', /eth0 is served by dhclient\[12\] and systemd-networkd\[30\]/);
  assert.deepEqual(host.told, []);
});

test('servers of the lease behind ours are a refusal, told once: systemd 247 keeps them until it starts again', {
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

test('resolvectl that fails is an outcome, and nothing counts as held', { skip }, async (t) => {
  const host = networkdHost(t, { files: { [STATE]: link('10.0.0.21') } });
  const resource = resolved(host, 'dns: { nameservers: [10.0.0.21] }');
  host.answer = { status: 1, stderr: 'Failed to set DNS configuration: Access denied\n' };
  const [outcome] = await converge(host, [resource]);
  assert.equal(outcome?.result, 'failed');
  assert.match(outcome?.reason ?? '', /resolvectl dns eth0: Failed to set DNS configuration: Access denied/);
  assert.equal((await brief(resource))[0], 'eth0 drifted');
});

test('a drop-in that comes after ours has the last word at boot', { skip }, async (t) => {
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
      ['HF-RESOLVED', 'warning', 'name servers and search domains are held on eth0; options cannot be'],
      ['HF-NETWORKD-LATER', undefined, `/${later}`],
    ],
  );
  // One that says nothing of them, or comes before.
  const quiet = { [later]: '[Network]\nLLMNR=no\n', [later.replace('zzz', 'a')]: '[Network]\nDNS=10.9.9.9\n' };
  const other = networkdHost(t, { files: quiet });
  assert.deepEqual(codes(seenOn(other, examined, { yaml: YAML })), ['HF-RESOLVED']);
});

test("doctor: systemd-resolved's link is no problem where it is told, and still is where it is not", { skip }, (t) => {
  const look = (patient: Patient) => codes(seenOn(networkdHost(t, patient), resolvConfFile, { yaml: YAML }));
  assert.deepEqual(look({}), []);
  assert.deepEqual(look({ others: {} }), ['HF-RESOLV-LINK']);
});

test('a change that does not stand is put back: the link as well as the drop-in', { skip }, async (t) => {
  const host = networkdHost(t);
  const journal = new Journal(host);
  const change = async (yaml: string) => {
    journal.note(DROP_IN, renderDropIn(dnsOf(yaml)!));
    journal.noteLink('eth0');
    await converge(host, [resolved(host, yaml)]);
  };
  await change(YAML);
  assert.deepEqual(await new Journal(host).putBack(), []);
  assert.equal(host.told.at(-1), 'revert eth0', 'nothing was told before');
  assert.equal(host.lstat('/etc/systemd/network/10-lan.network.d'), null);
  assert.deepEqual(new Originals(host).all(), []);

  await converge(host, [resolved(host)]);
  await change(YAML.replace('10.0.0.21', '10.0.0.99'));
  assert.match(host.told.at(-2)!, /10\.0\.0\.99/);
  assert.deepEqual(await new Journal(host).putBack(), []);
  assert.deepEqual(host.told.slice(-2), ['dns eth0 10.0.0.21 2001:db8::53', 'domain eth0 example.com example.org ~.']);
  assert.deepEqual(await brief(resolved(host)), ['eth0 ok', `${DROP_IN} ok`]);
});

test('revert: the link is given back, the drop-in and its folder go', { skip }, async (t) => {
  const host = networkdHost(t);
  await converge(host, [resolved(host)]);
  const outcomes = await revert(host);
  assert.deepEqual(
    outcomes.map(({ result }) => result),
    ['changed', 'changed'],
  );
  assert.equal(host.told.at(-1), 'revert eth0');
  assert.equal(host.lstat('/etc/systemd/network/10-lan.network.d'), null);
  assert.deepEqual(new Originals(host).all(), []);
});

test('revert keeps a folder with drop-ins of others', { skip }, async (t) => {
  const host = networkdHost(t, { files: { 'etc/systemd/network/10-lan.network.d/mine.conf': '[Network]\n' } });
  await converge(host, [resolved(host)]);
  await revert(host);
  assert.deepEqual(host.list('/etc/systemd/network/10-lan.network.d'), ['mine.conf']);
});
