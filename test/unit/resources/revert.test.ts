/** `revert` brings back every byte and mode from before the first apply. */
import assert from 'node:assert/strict';
import { chmodSync, lstatSync, readlinkSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { DesiredDns, DesiredState } from '../../../agent/config/desired.ts';
import { converge, inspectAll } from '../../../agent/hold/converge.ts';
import { KnownFiles } from '../../../agent/hold/files/verified-files.ts';
import { Originals } from '../../../agent/hold/originals/originals.ts';
import type { Outcome } from '../../../agent/hold/resource.ts';
import { Host } from '../../../agent/host/host.ts';
import type { Process } from '../../../agent/host/process/processes.ts';
import { makeResources } from '../../../agent/resources/index.ts';
import { RESOLVER_UNDOING } from '../../../agent/resources/resolver/way-back.ts';
import { revertAll } from '../../../agent/resources/revert-all.ts';
import { accepted, type Plain } from '../../parts/accepted.ts';
import { desired, WHOLE, WHOLE_LINES } from '../../parts/desired.ts';
import { REPOSITORY } from '../../parts/repository.ts';
import { fill, missing, nodeCommand, noNamespaces, privately, scratch } from '../../parts/scratch.ts';

const skip = missing('flock');
const CONF = '/etc/dhcp/dhclient.conf';
const RESOLV = '/etc/resolv.conf';
const ENTER = '/etc/dhcp/dhclient-enter-hooks.d/zz-holdfast';

const BEFORE = {
  'etc/resolv.conf': '# by hand\xe9\nnameserver 9.9.9.9\n# end',
  'etc/dhcp/dhclient.conf': 'timeout 60;\nsupersede domain-name-servers 9.9.9.9; # mine\n\n',
  'etc/dhcp/dhclient-enter-hooks.d/debug': ':\n',
  'etc/dhcp/dhclient-exit-hooks.d/debug': ':\n',
};

function hostWith(t: TestContext, files: Record<string, string> = BEFORE): Host {
  return new Host({ root: scratch(t, files) });
}

async function apply(host: Host, state: DesiredState = WHOLE): Promise<Outcome[]> {
  const outcomes = await converge(host, makeResources(host, state, { known: new KnownFiles('test') }));
  assert.deepEqual(
    outcomes.filter(({ result }) => result === 'failed'),
    [],
  );
  return outcomes;
}

const withDns = (parts: Plain<Partial<DesiredDns>>): DesiredState =>
  accepted({ ...WHOLE, dns: { ...WHOLE.dns!, ...parts } });

test('revert: every byte and mode comes back, the hooks go first, and a second revert is quiet', {
  skip,
}, async (t) => {
  const host = hostWith(t);
  chmodSync(host.locate(CONF), 0o640);
  await apply(host);
  assert.notEqual(host.readText(CONF), BEFORE['etc/dhcp/dhclient.conf']);

  const outcomes = await revertAll(host);
  assert.deepEqual(
    outcomes.map(({ result }) => result),
    ['changed', 'changed', 'changed', 'changed'],
  );
  assert.deepEqual(
    outcomes.slice(0, 2).map(({ key }) => key.includes('hooks.d')),
    [true, true],
  );
  assert.equal(host.readText(RESOLV), BEFORE['etc/resolv.conf']);
  assert.equal(host.readText(CONF), BEFORE['etc/dhcp/dhclient.conf']);
  assert.equal(statSync(host.locate(CONF)).mode & 0o7777, 0o640);
  assert.equal(host.readText(ENTER), null);
  assert.deepEqual(await revertAll(host), []);
});

test('revert: resolv.conf comes back although a renewal wrote it by the new hook before apply did', {
  skip,
}, async (t) => {
  const host = hostWith(t);
  const resources = makeResources(host, WHOLE, { known: new KnownFiles('test') });
  const { wanted } = (await inspectAll(resources)).find(({ key }) => key === RESOLV)!;
  const hooks = resources.find(({ name }) => name === 'hooks')!;
  const { apply: install } = hooks;
  hooks.apply = async (finding) => {
    const outcome = await install.call(hooks, finding);
    host.replace(RESOLV, wanted!, 0o644);
    return outcome;
  };
  const outcomes = await converge(host, resources);
  assert.equal(outcomes.find(({ key }) => key === RESOLV)?.result, 'ok');
  await revertAll(host);
  assert.equal(host.readText(RESOLV), BEFORE['etc/resolv.conf']);
});

test("revert: if the folder is gone, dhclient's file comes back only while dhclient is installed", {
  skip,
}, async (t) => {
  for (const installed of [true, false]) {
    const host = hostWith(t, { ...BEFORE, 'sbin/dhclient-script': '#!/bin/sh\n', 'sbin/dhclient': '' });
    await apply(host);
    rmSync(host.locate('/etc/dhcp'), { recursive: true });
    if (!installed) rmSync(host.locate('/sbin'), { recursive: true });
    const outcomes = await revertAll(new Host({ root: host.root, live: true }), { only: ['hooks', 'dhclient'] });
    assert.ok(outcomes.every(({ result }) => result !== 'failed'));
    assert.equal(host.readText(CONF), installed ? BEFORE['etc/dhcp/dhclient.conf'] : null);
  }
});

test('revert: without an earlier apply it does nothing, and makes no folder', async (t) => {
  const host = hostWith(t, {});
  assert.deepEqual(await revertAll(host), []);
  assert.deepEqual(host.list('/'), []);
});

test('revert: several applies later it is still the first state that comes back', { skip }, async (t) => {
  const host = hostWith(t);
  await apply(host);
  await apply(host, withDns({ nameservers: ['10.0.0.1'], options: null }));
  await apply(host, withDns({ search: null, domain: null }));
  await revertAll(host);
  assert.equal(host.readText(RESOLV), BEFORE['etc/resolv.conf']);
  assert.equal(host.readText(CONF), BEFORE['etc/dhcp/dhclient.conf']);
});

test('revert: later edits beside our lines are kept', { skip }, async (t) => {
  const host = hostWith(t);
  await apply(host);
  host.replace(CONF, `${host.readText(CONF)}retry 10;\n`);
  host.replace(RESOLV, `# new top\n${host.readText(RESOLV)}`);
  await revertAll(host);
  assert.equal(host.readText(CONF), `${BEFORE['etc/dhcp/dhclient.conf']}retry 10;\n`);
  assert.equal(host.readText(RESOLV), `# new top\n${BEFORE['etc/resolv.conf']}`);
});

test('revert: edits between two applies are kept', { skip }, async (t) => {
  const host = hostWith(t, { ...BEFORE, 'etc/resolv.conf': 'nameserver 9.9.9.9\n# a\n# b\n# c\n' });
  await apply(host);
  host.replace(CONF, `# new top\n${host.readText(CONF)}`);
  host.replace(RESOLV, `${host.readText(RESOLV)}# added\n`);
  await apply(host, withDns({ nameservers: ['10.0.0.1'] }));
  await apply(host, withDns({ nameservers: ['10.0.0.2'] }));
  await revertAll(host);
  assert.equal(host.readText(CONF), `# new top\n${BEFORE['etc/dhcp/dhclient.conf']}`);
  assert.equal(host.readText(RESOLV), 'nameserver 9.9.9.9\n# a\n# b\n# c\n# added\n');
});

test('revert: a file whose lines of ours were edited stays, is reported, and remains remembered', {
  skip,
}, async (t) => {
  const host = hostWith(t);
  await apply(host);
  const theirs = host.readText(RESOLV)!.replace('10.34.56.78', '10.9.9.9');
  host.replace(RESOLV, theirs);
  const outcomes = await revertAll(host);
  const failed = outcomes.filter(({ result }) => result === 'failed');
  assert.deepEqual(
    failed.map(({ key }) => key),
    [RESOLV],
  );
  assert.match(failed[0]!.reason!, /another program or a person has since changed/);
  assert.equal(host.readText(RESOLV), theirs);
  assert.deepEqual(
    new Originals(host).all().map(({ key }) => key),
    [RESOLV],
  );

  fill(host.root, { 'etc/resolv.conf': `# by hand\xe9\n${WHOLE_LINES}# end\n` });
  assert.deepEqual(
    (await revertAll(host)).map(({ result }) => result),
    ['changed'],
  );
  assert.equal(host.readText(RESOLV), BEFORE['etc/resolv.conf']);
});

test('revert: a file that was removed meanwhile stays away', { skip }, async (t) => {
  const host = hostWith(t);
  await apply(host);
  rmSync(host.locate(ENTER));
  rmSync(host.locate(CONF));
  assert.deepEqual(
    (await revertAll(host)).filter(({ result }) => result === 'failed'),
    [],
  );
  assert.equal(host.readText(ENTER), null);
});

test('revert: a symbolic link that was replaced is a link again; one that was followed keeps its target', {
  skip,
}, async (t) => {
  for (const symlink of ['replace', 'follow'] as const) {
    const host = hostWith(t, { 'run/theirs/file': 'nameserver 9.9.9.9\n', 'etc/x': '' });
    symlinkSync('../run/theirs/file', join(host.root, RESOLV));
    await apply(host, desired({ dns: { ...WHOLE.dns!, symlink } }));
    assert.equal(lstatSync(host.locate(RESOLV)).isSymbolicLink(), symlink === 'follow');
    assert.equal(host.readText(RESOLV), WHOLE_LINES);
    await revertAll(host);
    assert.equal(readlinkSync(host.locate(RESOLV)), '../run/theirs/file');
    assert.equal(host.readText('/run/theirs/file'), 'nameserver 9.9.9.9\n');
  }
});

test('revert: of what a DHCP server offered, only addresses and domain names get into resolv.conf', async (t) => {
  class Leased extends Host {
    override processes(name: string): Process[] {
      const started = Date.now() + 60_000; // it has read the present dhclient.conf
      const words = ['dhclient', '-lf', '/var/lib/dhcp/eth0.leases', 'eth0'];
      return name === 'dhclient' ? [{ pid: 1, arguments: words, started, sinceBoot: 1 }] : [];
    }
  }
  const lease = `lease {
  interface "eth0";
  fixed-address 10.0.0.5;
  option domain-name "a;b";
  option domain-search "dev.example.com.", "x|y";
  option domain-name-servers 10.0.0.53,0.0.0.0;
}
`;
  const ours = 'nameserver 10.0.0.1\n';
  const host = new Leased({ root: scratch(t, { 'etc/resolv.conf': ours, 'var/lib/dhcp/eth0.leases': lease }) });
  const own = { kind: 'file', key: RESOLV, link: null, mode: 0o644 } as const;
  const original = { ...own, before: 'nameserver 9.9.9.9\n', after: ours, earlier: ours };
  const [outcome] = await RESOLVER_UNDOING.file!(host, original).putBack();
  assert.match(outcome?.reason ?? '', /with the lease's name servers 10\.0\.0\.53 in place of 9\.9\.9\.9/);
  assert.equal(host.readText(RESOLV), 'search dev.example.com.\nnameserver 10.0.0.53\n');
});

test('revert: a record of a kernel value outside of /proc/sys is damaged, and is never written', {
  skip,
}, async (t) => {
  const odd = { kind: 'sysctl', key: '../../etc/passwd', before: 'x', after: '', earlier: '' };
  const host = hostWith(t, { 'var/lib/holdfast/originals/odd.json': JSON.stringify(odd) });
  assert.deepEqual(new Originals(host).all(), []);
  const [outcome] = await revertAll(host);
  assert.equal(outcome?.result, 'failed');
});

test('revert: a record that is damaged, or no record at all, is passed over', { skip }, async (t) => {
  const host = hostWith(t);
  await apply(host);
  for (const name of host.list('/var/lib/holdfast/originals')) {
    if (name.includes('resolv.conf')) host.replace(`/var/lib/holdfast/originals/${name}`, '{"kind":"file","ke');
  }
  fill(host.root, { 'var/lib/holdfast/originals/null.json': 'null\n', 'var/lib/holdfast/originals/x': 'x' });
  const outcomes = await revertAll(host);
  assert.deepEqual(
    outcomes.map(({ key }) => key).filter((key) => key === RESOLV),
    [],
  );
  assert.equal(host.readText(CONF), BEFORE['etc/dhcp/dhclient.conf']);
});

test('revert: a record that is damaged is told by name, and never written over', { skip }, async (t) => {
  const host = hostWith(t);
  await apply(host);
  const folder = '/var/lib/holdfast/originals';
  const record = `${folder}/${host.list(folder).find((name) => name.includes('resolv.conf'))}`;
  fill(host.root, { [`${folder}/odd.json`]: '{"kind":"file"}' });
  for (const damage of ['{"kind":"file","ke', '{"kind":"file","key":"/etc/resolv.conf"}', '{"kind":"other"}', '']) {
    fill(host.root, { [record]: damage });
    fill(host.root, { [RESOLV.slice(1)]: 'nameserver 8.8.8.8\n' });
    const resources = makeResources(host, WHOLE, { only: ['resolver'], known: new KnownFiles('') });
    const [outcome] = await converge(host, resources);
    assert.equal(outcome?.result, 'failed', damage);
    assert.match(outcome?.reason ?? '', /is damaged.*remove the record to go on/, damage);
    assert.equal(host.readText(record), damage);
    assert.equal(host.readText(RESOLV), 'nameserver 8.8.8.8\n');
    const failed = (await revertAll(host)).filter(({ result }) => result === 'failed').map(({ key }) => key);
    assert.deepEqual(failed, [record, `${folder}/odd.json`], damage);
    await revertAll(host);
  }
});

test('revert: live values are put back in the right order, unless another program changed them', {
  skip: noNamespaces('flock'),
}, (t) => {
  const folder = scratch(t);
  const code = `
    import { Host } from '${REPOSITORY}/agent/host/host.ts';
    import { converge, inspectAll } from '${REPOSITORY}/agent/hold/converge.ts';
    import { Sysctl } from '${REPOSITORY}/agent/resources/sysctl/sysctl.ts';
    import { revertAll } from '${REPOSITORY}/agent/resources/revert-all.ts';
    const host = new Host({ root: ${JSON.stringify(folder)}, live: true });
    const want = (key, value) => ({ key, path: key.replaceAll('.', '/'), want: { value }, optional: false });
    const settings = [want('net.ipv4.ip_forward', '1'), want('net.ipv4.conf.all.accept_redirects', '1'), want('net.ipv4.tcp_fin_timeout', '33'), want('net.ipv4.tcp_retries2', '9')];
    await converge(host, [new Sysctl(host, settings)]);
    host.writeSysctl('net/ipv4/tcp_fin_timeout', '44');
    const first = await revertAll(host);
    host.writeSysctl('net/ipv4/tcp_fin_timeout', '33');
    const second = await revertAll(host);
    const values = settings.map(({ path }) => host.sysctl(path));
    console.log(JSON.stringify({ first, second, values, third: await revertAll(host) }));`;
  const { stdout, stderr } = privately(`
    cd /proc/sys/net/ipv4; echo 0 >ip_forward; echo 0 >conf/all/accept_redirects; echo 60 >tcp_fin_timeout; echo 15 >tcp_retries2
    ${nodeCommand(code)}`);
  assert.notEqual(stdout, '', stderr);
  const { first, second, third, values } = JSON.parse(stdout);
  const failed = first.filter(({ result }: Outcome) => result === 'failed');
  assert.equal(failed.length, 1);
  assert.equal(failed[0].key, 'net.ipv4.tcp_fin_timeout');
  assert.match(failed[0].reason, /the original was 60 and Holdfast wrote 33, but another program has since written 44/);
  assert.deepEqual(
    second.map(({ key, result }: Outcome) => `${key} ${result}`),
    ['net.ipv4.tcp_fin_timeout changed'],
  );
  assert.deepEqual(third, []);
  assert.deepEqual(values, ['0', '0', '60', '15']);
});
