/** What `revert` puts back, and what it leaves: --only, files that are gone, later edits, links, another machine's originals. */
import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, readlinkSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { DHCPCD_CONF, ENTER_HOOK } from '../../../agent/clients/dhcpcd/running.ts';
import { DNS_DROP_INS } from '../../../agent/clients/networkd/drop-in.ts';
import { DISPATCHER } from '../../../agent/clients/networkmanager/running.ts';
import type { DesiredDns, DesiredState } from '../../../agent/config/desired.ts';
import { converge } from '../../../agent/hold/converge.ts';
import { KnownFiles } from '../../../agent/hold/files/verified-files.ts';
import { Originals, resourceOf } from '../../../agent/hold/originals/originals.ts';
import type { Outcome } from '../../../agent/hold/resource.ts';
import { Host } from '../../../agent/host/host.ts';
import { makeResources } from '../../../agent/resources/index.ts';
import { TABLE_KEY, writeMasquerade } from '../../../agent/resources/masquerade/made.ts';
import type { ResourceName } from '../../../agent/resources/resource-names.ts';
import { revertAll } from '../../../agent/resources/revert-all.ts';
import { accepted } from '../../parts/accepted.ts';
import { command } from '../../parts/command.ts';
import { WHOLE, WHOLE_LINES } from '../../parts/desired.ts';
import { fill, missing, scratch } from '../../parts/scratch.ts';

const skip = missing('flock');
const RESOLV = '/etc/resolv.conf';
const CONF = '/etc/dhcp/dhclient.conf';
const OLD = { 'etc/resolv.conf': 'nameserver 9.9.9.9\n', 'etc/dhcp/dhclient.conf': 'timeout 60;\n' };
const MACHINE = { 'etc/machine-id': `${'a'.repeat(32)}\n` };

async function applied(t: TestContext, files: Record<string, string> = OLD, dns: Partial<DesiredDns> = {}) {
  const host = new Host({
    root: scratch(t, { ...files, 'etc/dhcp/dhclient-enter-hooks.d/x': '', 'etc/dhcp/dhclient-exit-hooks.d/x': '' }),
  });
  await apply(host, dns);
  return host;
}

async function apply(host: Host, dns: Partial<DesiredDns> = {}): Promise<void> {
  const state: DesiredState = { ...WHOLE, dns: { ...WHOLE.dns!, ...dns } };
  const outcomes = await converge(host, makeResources(host, state, { known: new KnownFiles('test') }));
  assert.deepEqual(
    outcomes.filter(({ result }) => result === 'failed'),
    [],
  );
}

const failed = (outcomes: readonly Outcome[]) => outcomes.filter(({ result }) => result === 'failed');
const keys = (outcomes: readonly Outcome[]) => outcomes.map(({ key }) => key);

test('revert: only what the named resources touched goes back; the rest stays remembered', { skip }, async (t) => {
  const host = await applied(t);
  const hooks = host.list('/etc/dhcp/dhclient-enter-hooks.d');
  assert.deepEqual(keys(await revertAll(host, { only: ['resolver'] })), [RESOLV]);
  assert.equal(host.readText(RESOLV), OLD['etc/resolv.conf']);
  assert.deepEqual(host.list('/etc/dhcp/dhclient-enter-hooks.d'), hooks);
  assert.deepEqual(await revertAll(host, { only: ['sysctl', 'routes', 'egress'] }), []);
  assert.deepEqual(keys(await revertAll(host, { only: ['dhclient'] })), [CONF]);
  assert.deepEqual(new Set(new Originals(host).all().map(resourceOf)), new Set(['hooks']));
  assert.equal((await revertAll(host)).length, 2);
  assert.deepEqual(new Originals(host).all(), []);
});

test('revert: what goes back first does not hang on the name of a record, and what fails stops nothing else', {
  skip,
}, async (t) => {
  const host = new Host({ root: scratch(t, { 'etc/x': '' }) });
  const originals = new Originals(host);
  const files: [ResourceName, string][] = [
    ['dnsmasq', '/etc/a-dnsmasq.conf'],
    ['resolved', DNS_DROP_INS.service],
    ['networkmanager', DISPATCHER],
    ['hooks', '/etc/z-hook'],
    ['dhcpcd', DHCPCD_CONF],
    ['dhcpcd', ENTER_HOOK],
    ['resolver', RESOLV],
  ];
  for (const [resource, path] of files) {
    await originals.rememberFile(path, 'ours\n', resource);
    host.makeFolder(dirname(path), 0o755);
    host.replace(path, 'ours\n');
  }
  for (const key of ['net/ipv4/conf/all/rp_filter', 'net/ipv4/ip_forward']) originals.rememberValue(key, '0', '1');
  writeMasquerade(host, { rules: '', identity: null });
  host.replace('/etc/a-dnsmasq.conf', 'edited\n');

  const outcomes = await revertAll(host);
  const hooks = [DISPATCHER, ENTER_HOOK, '/etc/z-hook'];
  const rest = ['/etc/a-dnsmasq.conf', DHCPCD_CONF, RESOLV, 'net.ipv4.conf.all.rp_filter'];
  assert.deepEqual(keys(outcomes), [...hooks, 'net.ipv4.ip_forward', ...rest, DNS_DROP_INS.service, TABLE_KEY]);
  assert.deepEqual(keys(failed(outcomes)), ['/etc/a-dnsmasq.conf']);
  assert.deepEqual(
    files.map(([, path]) => path).filter((path) => host.lstat(path) !== null),
    ['/etc/a-dnsmasq.conf'],
  );
});

test('revert: the resource of a record of an earlier version is known by its path', () => {
  const of = (key: string) => resourceOf({ kind: 'file', key });
  assert.deepEqual(
    [
      '/etc/dhcp/dhclient-enter-hooks.d/zz-holdfast',
      '/etc/dhcp/dhclient-exit-hooks',
      '/etc/dhcpcd.conf',
      '/etc/dhcpcd.enter-hook',
      '/etc/systemd/network/10-x.network.d/zz-holdfast.conf',
      '/etc/NetworkManager/conf.d/zz-holdfast.conf',
      CONF,
      '/etc/dhclient-eth0.conf',
      '/etc/sysctl.d/60-holdfast.conf',
      '/etc/dnsmasq.d/holdfast.conf',
      '/run/resolvconf/resolv.conf',
    ].map(of),
    [
      'hooks',
      'hooks',
      'dhcpcd',
      'dhcpcd',
      'resolved',
      'networkmanager',
      'dhclient',
      'dhclient',
      'sysctl',
      'dnsmasq',
      'resolver',
    ],
  );
});

test('revert: a resolv.conf that cannot be read does not hide what revert put back', { skip }, async (t) => {
  const host = await applied(t);
  rmSync(host.locate(RESOLV));
  mkdirSync(host.locate(RESOLV));
  const { status, stdout } = await command('revert', '--root', host.root);
  assert.equal(status, 4);
  assert.match(stdout, /dhclient\.conf +changed/);
  assert.match(stdout, /resolv\.conf +failed: .*it is a folder/);
});

test('revert: --only on the command line limits revert and init', { skip }, async (t) => {
  const host = await applied(t);
  const { stdout } = await command('revert', '--only', 'sysctl', '--root', host.root);
  assert.match(stdout, /Nothing to put back/);
  assert.equal(host.readText(RESOLV), WHOLE_LINES);
  fill(host.root, { 'etc/sysctl.d/9.conf': 'net.ipv4.ip_forward = 1\n' });
  const init = async (...only: string[]) =>
    (await command('init', '--output', '-', '--root', host.root, '--only', ...only)).stdout;
  assert.match(await init('sysctl'), /^# dns:.*[\s\S]*^sysctl:/m);
  assert.match(await init('resolver'), /^dns:[\s\S]*^# sysctl:/m);
});

test('revert: a file that is gone comes back as it was; without its folder nothing would read it', {
  skip,
}, async (t) => {
  const host = await applied(t);
  rmSync(host.locate(RESOLV));
  rmSync(host.locate(CONF));
  assert.deepEqual(failed(await revertAll(host)), []);
  assert.equal(host.readText(RESOLV), OLD['etc/resolv.conf']);
  assert.equal(host.readText(CONF), OLD['etc/dhcp/dhclient.conf']);

  const purged = await applied(t);
  rmSync(purged.locate('/etc/dhcp'), { recursive: true });
  assert.deepEqual(failed(await revertAll(purged)), []);
  assert.equal(purged.lstat('/etc/dhcp'), null);
});

test('revert: an edit of the file that took the place of a link stays, and is a failure', { skip }, async (t) => {
  const linked = async () => {
    const host = new Host({ root: scratch(t, { 'run/theirs/file': 'nameserver 9.9.9.9\n', 'etc/x': '' }) });
    symlinkSync('../run/theirs/file', join(host.root, RESOLV));
    await apply(host, { symlink: 'replace' });
    return host;
  };
  const edited = await linked();
  const theirs = `${edited.readText(RESOLV)}options rotate\n`;
  edited.replace(RESOLV, theirs);
  const [failure] = failed(await revertAll(edited));
  assert.match(
    failure!.reason!,
    /another program or a person has since changed .* remove \/var\/lib\/holdfast\/originals/,
  );
  assert.equal(edited.readText(RESOLV), theirs);

  const dangling = await linked();
  unlinkSync(dangling.locate('/run/theirs/file'));
  const [nowhere] = failed(await revertAll(dangling));
  assert.match(nowhere!.reason!, /symbolic link to \.\.\/run\/theirs\/file, which does not exist now/);
  assert.match(dangling.readText(RESOLV)!, /^nameserver/m);

  const gone = await linked();
  unlinkSync(gone.locate(RESOLV));
  assert.deepEqual(failed(await revertAll(gone)), []);
  assert.equal(readlinkSync(gone.locate(RESOLV)), '../run/theirs/file');
});

test('revert: a link that a person put in place of our file stays, unless it leads to our text', {
  skip,
}, async (t) => {
  const target = '/run/theirs/file';
  const again = '../run/./theirs/file';
  for (const [before, now, to] of [
    ['../run/theirs/file', again, 'nameserver 9.9.9.9\n'],
    ['../run/theirs/file', 'elsewhere', null],
    [null, again, 'nameserver 9.9.9.9\n'],
    ['../run/theirs/file', again, 'ours'],
  ] as const) {
    const host = new Host({ root: scratch(t, { 'run/theirs/file': 'nameserver 9.9.9.9\n', 'etc/x': '' }) });
    if (before !== null) symlinkSync(before, join(host.root, RESOLV));
    await apply(host, { symlink: 'replace' });
    if (to === 'ours') host.replace(target, host.readText(RESOLV)!);
    rmSync(host.locate(RESOLV));
    symlinkSync(now, host.locate(RESOLV));
    const outcomes = await revertAll(host);
    const result = outcomes.find(({ key }) => key === RESOLV)!;
    assert.equal(result.result, to === 'ours' ? 'failed' : 'ok', `${before} → ${now}`);
    if (to !== 'ours') assert.match(result.reason!, /a symbolic link to .* so the link stays/);
    assert.equal(readlinkSync(host.locate(RESOLV)), now);
    assert.equal(new Originals(host).find('file', RESOLV) === null, to !== 'ours', 'what is remembered');
  }
});

test('revert: a circular link is replaced by a file and comes back, or the fault is reported', { skip }, async (t) => {
  const circle = () => {
    const host = new Host({ root: scratch(t, { 'etc/x': '' }) });
    symlinkSync('resolv.conf', join(host.root, RESOLV));
    return host;
  };
  const host = circle();
  await apply(host, { symlink: 'replace' });
  assert.equal(lstatSync(host.locate(RESOLV)).isFile(), true);
  assert.equal(host.readText(RESOLV), WHOLE_LINES);
  assert.deepEqual(failed(await revertAll(host)), []);
  assert.equal(readlinkSync(host.locate(RESOLV)), 'resolv.conf');

  for (const symlink of ['refuse', 'follow'] as const) {
    const other = circle();
    const resources = makeResources(
      other,
      { ...WHOLE, dns: { ...WHOLE.dns!, symlink } },
      { only: ['resolver'], known: new KnownFiles('') },
    );
    const [finding] = await resources[0]!.inspect();
    assert.match(finding!.refusal!, /leads in a circle.* "replace"/, symlink);
    assert.equal((await finding!.settings())[0]!.state, 'drifted');
  }
});

test('revert: a followed link to a file in /run that no program makes is not right at boot', { skip }, async (t) => {
  const boot = async (files: Record<string, string>, target = '/run/resolvconf/resolv.conf') => {
    const host = new Host({ root: scratch(t, { 'etc/x': '', ...files }) });
    symlinkSync(target, join(host.root, RESOLV));
    await apply(host, { symlink: 'follow' });
    assert.equal(host.readText(RESOLV), WHOLE_LINES);
    const resources = makeResources(
      host,
      { ...WHOLE, dns: { ...WHOLE.dns!, symlink: 'follow' } },
      { only: ['resolver'], known: new KnownFiles('') },
    );
    const settings = await (await resources[0]!.inspect())[0]!.settings();
    return settings.filter(({ moment }) => moment === 'boot').map(({ state, reason }) => `${state} ${reason ?? ''}`)[0];
  };
  assert.match(
    (await boot({}))!,
    /^drifted .*resolvconf, which makes that file, is not installed; set dns\.symlink to "replace"/,
  );
  assert.match((await boot({}, '/var/run/x/resolv.conf'))!, /^drifted .*no known program makes that file/);
  assert.equal(await boot({ 'sbin/resolvconf': '' }), 'ok ');
  assert.equal(await boot({}, '/var/lib/x/resolv.conf'), 'ok ');
});

test('revert: originals of another machine are not put back; what Holdfast made itself goes', { skip }, async (t) => {
  const host = await applied(t, { ...OLD, ...MACHINE });
  fill(host.root, { 'etc/machine-id': `${'b'.repeat(32)}\n` });
  const outcomes = await revertAll(host);
  assert.deepEqual(keys(failed(outcomes)).sort(), [CONF, RESOLV]);
  assert.match(failed(outcomes)[0]!.reason!, /belongs to another machine/);
  assert.equal(host.readText(RESOLV), WHOLE_LINES);
  assert.deepEqual(host.list('/etc/dhcp/dhclient-enter-hooks.d'), ['x']);

  const clone = await applied(t, { ...OLD, ...MACHINE });
  fill(clone.root, { 'etc/machine-id': `${'b'.repeat(32)}\n`, 'etc/resolv.conf': 'nameserver 8.8.8.8\n' });
  await apply(clone, { nameservers: accepted(['10.0.0.1']) });
  await revertAll(clone);
  assert.equal(clone.readText(RESOLV), 'nameserver 8.8.8.8\n', 'as this machine had it before its own first apply');
  assert.deepEqual(clone.list('/etc/dhcp/dhclient-enter-hooks.d'), ['x'], 'and no hook of the image');
});
