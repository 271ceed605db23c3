/** What `dhcp` becomes for systemd-networkd: drop-ins per .network file, time servers told, and words where it cannot. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { DHCP_DROP_INS } from '../../../../agent/clients/networkd/drop-in.ts';
import { NetworkdDhcp } from '../../../../agent/clients/networkd/kept-dhcp.ts';
import type { DesiredState } from '../../../../agent/config/desired.ts';
import { converge } from '../../../../agent/hold/converge.ts';
import { settingViews } from '../../../../agent/hold/settings-view.ts';
import type { RunResult } from '../../../../agent/host/process/run-program.ts';
import { revertAll } from '../../../../agent/resources/revert-all.ts';
import { clientSurroundings } from '../../../parts/client-surroundings.ts';
import { desiredOf, type Patient } from '../../../parts/doctor-patient.ts';
import { FILES, link, NetworkdHost, OTHERS, STATE } from '../../../parts/networkd-host.ts';
import { missing, scratch } from '../../../parts/scratch.ts';

const skip = missing('flock');
const LAN = 'etc/systemd/network/10-lan.network';
const WAN = 'etc/systemd/network/20-wan.network';
const ETH1 = 'run/systemd/netif/links/3';
const KEPT = '/var/lib/holdfast/networkd-dhcp/10-lan.network.d/zz-holdfast-dhcp.conf';
const READ = 'run/systemd/network/10-lan.network.d/zz-holdfast-dhcp.conf';
const HEAD = '# Made by Holdfast from its configuration. systemd-networkd reads this when it starts.\n';
const NETWORK = '[Match]\nName=eth*\n\n[Network]\nDHCP=ipv4\n';
const NTP = 'NTP=10.0.0.7\n';

/** timedatectl puts the servers into the link's file. */
class TimedHost extends NetworkdHost {
  readonly timed: string[] = [];
  behind = '';
  override run(program: string, args: readonly string[], options?: Parameters<NetworkdHost['run']>[2]): RunResult {
    if (program !== 'timedatectl') return super.run(program, args, options);
    this.timed.push(args.join(' '));
    const [verb, , ...servers] = args;
    const file = join(this.root, STATE);
    const list = verb === 'revert' ? '10.0.0.7' : `${servers.join(' ')}${this.behind}`;
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^NTP=.*$/m, `NTP=${list}`));
    return { status: 0, stdout: '', stderr: '', error: null };
  }
}

function machine(t: TestContext, files: Record<string, string> = {}, others: Patient['others'] = OTHERS): TimedHost {
  const root = scratch(t, {
    ...FILES,
    'etc/hostname': 'a\n',
    [LAN]: NETWORK,
    [STATE]: link('10.0.0.1', NTP),
    ...files,
  });
  return new TimedHost(root, { others: others ?? {} });
}

const resource = (host: TimedHost, yaml: string) =>
  new NetworkdDhcp(host, desiredOf(yaml) as DesiredState, clientSurroundings(host));
const text = async (host: TimedHost, yaml: string, key = KEPT) =>
  (await resource(host, yaml).inspect()).find((finding) => finding.key === key)?.wanted;
const states = async (host: TimedHost, yaml: string) =>
  (await settingViews(await resource(host, yaml).inspect())).map(({ setting, moments }) => {
    return [setting, ...(['now', 'lease', 'boot'] as const).map((moment) => moments[moment]?.state ?? '-')].join(' ');
  });

test('networkd dhcp: each setting becomes the key that takes the offer, or that leaves it', async (t) => {
  const host = machine(t);
  const cases: readonly [string, string][] = [
    [
      '{ supersede: { ntp-servers: [10.0.0.8, 10.0.0.9] } }',
      '[Network]\nNTP=\nNTP=10.0.0.8 10.0.0.9\n\n[DHCPv4]\nUseNTP=no\n\n[DHCPv6]\nUseNTP=no\n',
    ],
    ['{ supersede: { interface-mtu: 1400 } }', '[Link]\nMTUBytes=1400\n\n[DHCPv4]\nUseMTU=no\n'],
    ['{ ignore: [routers] }', '[DHCPv4]\nUseGateway=no\n'],
    ['{ ignore: [classless-routes] }', '[DHCPv4]\nUseRoutes=no\nUseGateway=yes\n'],
    ['{ ignore: [classless-routes, routers] }', '[DHCPv4]\nUseRoutes=no\nUseGateway=no\n'],
    ['{ ignore: [router-advertisements] }', '[Network]\nIPv6AcceptRA=no\n'],
    [
      '{ request: { without: [host-name, dhcp6.name-servers], also: [tftp-server-name] } }',
      '[DHCPv4]\nUseHostname=no\nRequestOptions=66\n\n[DHCPv6]\nUseDNS=no\n',
    ],
    ['{ request: { without: [domain-name, domain-search] } }', '[DHCPv4]\nUseDomains=no\n'],
    [
      '{ request: { without: [static-routes, rfc3442-classless-static-routes, ms-classless-static-routes] } }',
      '[DHCPv4]\nUseRoutes=no\nUseGateway=yes\n',
    ],
    ['{ request: { also: [interface-mtu] } }', '[DHCPv4]\nUseMTU=yes\n'],
  ];
  for (const [dhcp, wanted] of cases) assert.equal(await text(host, `dhcp: ${dhcp}`), `${HEAD}\n${wanted}`, dhcp);
  const both = machine(t, { [LAN]: NETWORK.replace('ipv4', 'yes') });
  const ra = await text(both, 'dhcp: { ignore: [router-advertisements] }');
  assert.equal(ra, `${HEAD}\n[Network]\nIPv6AcceptRA=no\n\n[DHCPv6]\nWithoutRA=solicit\n`, 'DHCPv6 goes on');
  const still = machine(t, { [LAN]: NETWORK.replace('DHCP=ipv4', 'DHCP=no') });
  assert.deepEqual(await resource(still, 'dhcp: { ignore: [routers] }').inspect(), [], 'a link without DHCP');
});

test('networkd dhcp: what it cannot do is no silence: each setting says what to write instead', async (t) => {
  const host = machine(t);
  const said = async (dhcp: string) => {
    const [found, ...more] = await resource(host, `dhcp: ${dhcp}`).inspect();
    assert.deepEqual(more, []);
    assert.deepEqual(
      [found?.state, (await found!.settings()).map(({ state }) => state)],
      ['unknown', ['unknown', 'unknown']],
    );
    return found?.reason;
  };
  assert.match(
    (await said('{ supersede: { host-name: web1 } }'))!,
    /cannot replace the option host-name .*\/etc\/hostname/,
  );
  assert.match((await said('{ supersede: { domain-name-servers: [10.0.0.1] } }'))!, /write dns\.nameservers/);
  assert.match((await said('{ supersede: { routers: [10.0.0.1] } }'))!, /ignore: \[routers\]/);
  assert.match(
    (await said('{ supersede: { time-offset: 3600 } }'))!,
    /cannot replace the option time-offset of an offer$/,
  );
  assert.match((await said('{ request: { without: [time-offset] } }'))!, /does not ask for time-offset/);
  for (const option of ['domain-name', 'domain-search', 'static-routes', 'rfc3442-classless-static-routes'])
    assert.match(
      (await said(`{ request: { without: [host-name, ${option}] } }`))!,
      /one switch for .* list all of them/,
    );
});

test('networkd dhcp: before systemd 246, and if the version is not visible, no setting needs UseGateway=', async (t) => {
  const LIBRARY = 'usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-252.so';
  const seen = async (version: number | null, dhcp: string) => {
    const host = machine(t);
    rmSync(join(host.root, LIBRARY));
    if (version !== null) writeFileSync(join(host.root, LIBRARY.replace('252', String(version))), '');
    const found = await resource(host, `dhcp: ${dhcp}`).inspect();
    return found.map(({ kind, wanted, reason }) => (kind === 'file' ? wanted : reason)).join('\n');
  };
  for (const dhcp of [
    '{ ignore: [routers] }',
    '{ ignore: [classless-routes] }',
    '{ request: { without: [routers] } }',
    '{ request: { also: [routers] } }',
  ]) {
    assert.match(
      await seen(245, dhcp),
      /^systemd 245 has no UseGateway=.*write ignore: \[routers, classless-routes\]$/,
    );
    assert.match(await seen(null, dhcp), /^the version of systemd is not visible.*before systemd 246/);
    assert.match(await seen(246, dhcp), /\nUseGateway=/);
  }
  assert.match(
    await seen(245, '{ ignore: [classless-routes, routers] }'),
    /UseRoutes=no\nUseGateway=no/,
    'one key is enough for both',
  );
});

test('networkd dhcp: an interface has its own values where a .network file serves it alone; else it is refused', async (t) => {
  const yaml = (eth1: string) => `dhcp: { supersede: { ntp-servers: [10.0.0.8] }, interfaces: { eth1: { ${eth1} } } }`;
  const state = { [ETH1]: link('10.0.0.1', NTP) };
  const shared = machine(t, state);
  const [refused] = (await resource(shared, yaml('ignore: [routers]')).inspect()).filter(
    ({ kind }) => kind === 'process',
  );
  assert.equal(refused?.key, 'dhcp.interfaces.eth1.ignore');
  assert.match(refused?.reason ?? '', /10-lan\.network serves eth1 and eth0.*write a \.network file for eth1 alone/);
  const common = yaml('ignore: [routers] }, eth0: { ignore: [routers]');
  assert.match((await text(shared, common)) ?? '', /UseGateway=no/, 'both say the same');

  const own = machine(t, { [ETH1]: state[ETH1]!.replace('10-lan', '20-wan'), [WAN]: NETWORK.replace('eth*', 'eth1') });
  const mine = yaml('supersede: { ntp-servers: [10.0.0.9] }, ignore: [routers]');
  const wan = await text(own, mine, KEPT.replace('10-lan', '20-wan'));
  assert.match(wan ?? '', /NTP=\nNTP=10\.0\.0\.9\n\n\[DHCPv4\]\nUseNTP=no\nUseGateway=no/);
  assert.doesNotMatch((await text(own, mine)) ?? '', /UseGateway|10\.0\.0\.9/);
});

test('networkd dhcp: an interface that supersedes the router takes the offer that all others ignore', async (t) => {
  const yaml =
    'dhcp: { ignore: [classless-routes, routers], interfaces: { eth1: { supersede: { routers: [10.0.0.3] } } } }';
  const state = { [ETH1]: link('10.0.0.1', NTP) };
  const own = machine(t, { [ETH1]: state[ETH1]!.replace('10-lan', '20-wan'), [WAN]: NETWORK.replace('eth*', 'eth1') });
  assert.match((await text(own, yaml)) ?? '', /UseRoutes=no\nUseGateway=no/);
  assert.match((await text(own, yaml, KEPT.replace('10-lan', '20-wan'))) ?? '', /UseRoutes=no\nUseGateway=yes/);

  const shared = await resource(machine(t, state), yaml).inspect();
  const refused = shared.find(({ key }) => key === 'dhcp.ignore');
  assert.match(refused?.reason ?? '', /10-lan\.network serves eth1 and eth0.*write a \.network file for eth1 alone/);
});

test('networkd dhcp: time servers are told at once; the others wait for the next start, and say so', {
  skip,
}, async (t) => {
  const yaml = 'dhcp: { supersede: { ntp-servers: [10.0.0.8] }, ignore: [routers] }';
  const host = machine(t);
  assert.deepEqual(await states(host, yaml), [
    'dhcp.supersede.ntp-servers drifted drifted drifted',
    'dhcp.ignore - unknown drifted',
  ]);
  const made = await converge(host, [resource(host, yaml)]);
  assert.deepEqual(
    made.map(({ key, result }) => `${key} ${result}`),
    ['eth0 changed', `${KEPT} changed`, `${DHCP_DROP_INS.service} changed`],
  );
  assert.deepEqual(host.timed, ['ntp-servers eth0 10.0.0.8']);
  assert.deepEqual(host.asked, ['daemon-reload']);
  assert.deepEqual(await states(host, yaml), ['dhcp.supersede.ntp-servers ok ok ok', 'dhcp.ignore - unknown ok']);
  const pending = (await settingViews(await resource(host, yaml).inspect()))[1]?.moments.lease?.reason ?? '';
  assert.match(pending, /^pending until the next start of systemd-networkd/);

  const started = machine(t, { [READ]: host.readText(KEPT) ?? '' });
  assert.equal((await states(started, yaml))[1], 'dhcp.ignore - ok drifted', 'it read that at its start');

  const six = machine(t, { [READ]: `${HEAD}\n[DHCPv6]\nUseDNS=no\n` });
  const four = 'dhcp: { request: { without: [domain-name-servers] } }';
  assert.deepEqual(await states(six, four), ['dhcp.request.without - unknown drifted'], 'it read that of DHCPv6');

  await revertAll(host, {});
  assert.deepEqual(host.timed.slice(1), ['revert eth0']);
  assert.deepEqual([host.readText(KEPT), host.readText(DHCP_DROP_INS.service)], [null, null]);
  assert.deepEqual(
    host.list('/run/holdfast').filter((name) => name.startsWith('networkd-ntp')),
    [],
  );
});

test("networkd dhcp: the lease's time servers behind ours are named, and nothing fails for them", {
  skip,
}, async (t) => {
  const yaml = 'dhcp: { supersede: { ntp-servers: [10.0.0.8] } }';
  const host = machine(t);
  host.behind = ' 10.0.0.7';
  const [first] = await converge(host, [resource(host, yaml)]);
  assert.equal(first?.result, 'changed');
  assert.match(first?.reason ?? '', /keeps 10\.0\.0\.7 of the lease behind ours until it starts again/);
  assert.equal((await states(host, yaml))[0], 'dhcp.supersede.ntp-servers unknown unknown ok');
});

test('networkd dhcp: right by the present lease only is not held; 252 lists the lease beside the links', {
  skip,
}, async (t) => {
  const yaml = 'dhcp: { supersede: { ntp-servers: [10.0.0.7] } }';
  const host = machine(t);
  assert.equal((await states(host, yaml))[0], 'dhcp.supersede.ntp-servers drifted drifted drifted');
  await converge(host, [resource(host, yaml)]);
  assert.equal((await states(host, yaml))[0], 'dhcp.supersede.ntp-servers ok ok ok');
  writeFileSync(join(host.root, 'run/systemd/netif/state'), 'NTP=10.0.0.7 10.0.0.6\n');
  const [found] = await resource(host, yaml).inspect();
  assert.match(found?.reason ?? '', /keeps 10\.0\.0\.6 of the lease behind ours/);
});

test('networkd dhcp: out of the configuration, the files for the next start go', { skip }, async (t) => {
  const host = machine(t);
  await converge(host, [resource(host, 'dhcp: { ignore: [routers] }')]);
  const gone = await converge(host, [resource(host, YAML_WITHOUT)]);
  assert.deepEqual(
    gone.map(({ result }) => result),
    ['changed', 'changed'],
  );
  assert.deepEqual([host.readText(KEPT), host.readText(DHCP_DROP_INS.service)], [null, null]);
});

const YAML_WITHOUT = 'dns: { nameservers: [10.0.0.1] }';
