/** What the next systemd-networkd reads: which files get a drop-in, how it comes to them, and how it is taken away again. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DNS_DROP_INS, renderDropIn } from '../../../../agent/clients/networkd/drop-in.ts';
import { namesOfNextStart } from '../../../../agent/clients/networkd/match.ts';
import { converge, inspectAll } from '../../../../agent/hold/converge.ts';
import { Originals } from '../../../../agent/hold/originals/originals.ts';
import { settingViews } from '../../../../agent/hold/settings-view.ts';
import { Resolver } from '../../../../agent/resources/resolver/resolver.ts';
import { revertAll } from '../../../../agent/resources/revert-all.ts';
import { FolderHost, type Patient } from '../../../parts/doctor-patient.ts';
import {
  brief,
  DROP_IN,
  dnsOf,
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
const ETH0 = { [STATE]: link('10.0.0.1') };
const network = (match: string) => `[Match]\n${match}\n\n[Network]\nDHCP=yes\n`;
const folderOf = (file: string) => file.slice(0, file.lastIndexOf('/'));

test('networkd files: the service copies what is kept where systemd-networkd reads it, and removes what was there', {
  skip,
}, (t) => {
  const kept = { [DROP_IN.slice(1)]: 'new\n', [DROP_IN.replace('10-lan', '70-eth0').slice(1)]: 'new\n' };
  const others = { [OLD_DROP_IN.replace('zz-holdfast', 'mine').slice(1)]: 'theirs\n' };
  const gone = READ.replace('10-lan', '80-gone');
  const files = {
    ...kept,
    ...others,
    [OLD_DROP_IN.slice(1)]: 'old\n',
    [READ.slice(1)]: 'old\n',
    [gone.slice(1)]: 'old\n',
  };
  const root = scratch(t, files);
  const [, script = ''] = /^ExecStartPre=\+-\/bin\/sh -c '(.*)'$/m.exec(DNS_DROP_INS.serviceText) ?? [];
  // systemd makes one "$" for the shell from "$$", and takes "%" for a specifier.
  assert.doesNotMatch(script, /%|(?<!\$)\$(?!\$)/);
  const moved = script.replaceAll('$$', '$').replaceAll(/\/(etc|run|var)\//g, `${root}/$1/`);
  const start = () => spawnSync('sh', ['-c', moved], { encoding: 'utf8' });
  assert.deepEqual(start().stderr, '');
  const host = new FolderHost(root, {});
  assert.equal(host.readText(READ), 'new\n');
  assert.equal(host.readText(READ.replace('10-lan', '70-eth0')), 'new\n');
  assert.equal(host.lstat(gone.slice(0, gone.lastIndexOf('/'))), null);
  assert.deepEqual(host.list('/etc/systemd/network/10-lan.network.d'), ['mine.conf']);
  // With nothing kept, as after a revert, what was copied goes.
  rmSync(join(root, 'var/lib/holdfast/networkd'), { recursive: true });
  start();
  assert.deepEqual(host.list('/run/systemd/network'), []);
});

/** The `.network` files that have a drop-in, or are to get one. */
async function names(host: FolderHost): Promise<string[]> {
  return (await resolved(host).inspect()).flatMap(({ key }) => {
    return /^\/var\/lib\/holdfast\/networkd\/(.*)\.d\//.exec(key)?.[1] ?? [];
  });
}

test('networkd files: each .network file that may come into force for the link gets a drop-in', { skip }, async (t) => {
  const fitting: Record<string, string> = {
    '20-all.network': network('Name=*'),
    '21-list.network': network('Name=wlan0 eth?'),
    '22-not.network': network('Name=!wlan* veth*'),
    '23-address.network': network('MACAddress=02-00-00-00-00-0A'),
    '24-type.network': network('Type=ether'),
    '25-unknown.network': network('Property=ID_NET_DRIVER=ena'),
    '26-forgotten.network': network('Name=wlan0\nName=\nName=eth0'),
    '27-other-name.network': network('Name=device-number-1'),
    '28-other-name.network': network('Name=!eth* wlan*'),
    '29-dotted.network': network('MACAddress=02:00:00:00:00:0b 0200.0000.000a'),
    '2a-permanent.network': network('PermanentMACAddress=02:00:00:00:00:0a'),
    '2b-driver.network': network('Driver=!e1000*\nDriver=virtio_net'),
    '2c-not-kind.network': network('Kind=!veth'),
    '2d-set.network': network('Name=eth[0-3]'),
  };
  const others: Record<string, string> = {
    '30-name.network': network('Name=eth1'),
    '31-not.network': network('Name=!eth* device-* lo'),
    '31-two-lines.network': network('Name=!device-*\nName=eth1 wlan*'),
    '31-braces.network': network('Name=eth{0,1}'),
    '32-address.network': network('MACAddress=02:00:00:00:00:0b'),
    '33-type.network': network('Type=wlan'),
    '33-permanent.network': network('PermanentMACAddress=02:00:00:00:00:0b'),
    '33-kind.network': network('Kind=bridge veth'),
    '33-driver.network': network('Driver=ena'),
    '33-wireless.network': network('SSID=home'),
    '34-no-match.network': '[Network]\nDHCP=yes\n',
    '35-two.network': network('Name=eth0\nType=bridge'),
    '36-eth0.link': '[Match]\nName=eth0\n',
  };
  const files = Object.entries({ ...fitting, ...others }).map(([name, text], index) => {
    // Files of packages are not asked for other names of the link.
    const folder = name.includes('other-name') ? 'etc' : ['etc', 'run', 'usr/lib'][index % 3];
    return [`${folder}/systemd/network/${name}`, text];
  });
  const sys = {
    'sys/class/net/eth0/address': '02:00:00:00:00:0a\n',
    'sys/class/net/eth0/addr_assign_type': '0\n',
    'sys/class/net/eth0/type': '1\n',
    'sys/class/net/eth0/device/vendor': '0x1af4\n',
  };
  const stdout = JSON.stringify([{ ifname: 'eth0', altnames: ['device-number-1'] }]);
  const programs = { ip: { status: 0, stdout } };
  const host = networkdHost(t, { files: { ...Object.fromEntries(files), ...sys }, programs });
  symlinkSync('../../bus/drivers/virtio_net', join(host.root, 'sys/class/net/eth0/device/driver'));
  assert.deepEqual(await names(host), ['10-lan.network', ...Object.keys(fitting)]);
});

test('networkd files: a drop-in of an earlier configuration is not said to be missing', { skip }, async (t) => {
  const host = networkdHost(t);
  const reasons = async (yaml: string) => {
    const views = await settingViews(await inspectAll([resolved(host, yaml)]));
    return Object.values(views[0]!.moments).map(({ moment, reason }) => `${moment}: ${reason}`);
  };
  const before = await reasons('dns: { nameservers: [10.0.0.21] }');
  assert.ok(before.includes('boot: no drop-in of Holdfast holds it yet for the next start of systemd-networkd'));
  assert.ok(before.includes('lease: systemd-networkd was not told to keep it, so the next lease decides'));
  await converge(host, [resolved(host, 'dns: { nameservers: [10.0.0.21] }')]);
  const after = await reasons('dns: { nameservers: [10.0.0.22] }');
  assert.ok(after.includes(`boot: ${DROP_IN} is of another configuration, or was changed`), after.join());
});

test('networkd files: a drop-in of others decides which link a .network file fits', { skip }, async (t) => {
  const files = {
    'usr/lib/systemd/network/20-moved.network': network('Name=wlan0'),
    'etc/systemd/network/20-moved.network.d/a.conf': '[Match]\nName=\nName=eth0\n',
    'etc/systemd/network/30-away.network': network('Name=eth0'),
    'run/systemd/network/30-away.network.d/a.conf': '[Match]\nName=\nName=wlan0\n',
    'etc/systemd/network/40-gone.network.d/a.conf': '[Match]\nName=eth0\n',
  };
  assert.deepEqual(await names(networkdHost(t, { files })), ['10-lan.network', '20-moved.network']);
});

test('networkd files: the file that ec2-net-utils will make gets its drop-in before the file is there', {
  skip,
}, async (t) => {
  const amazon = { 'usr/bin/setup-policy-routes': '#!/bin/bash\n' };
  assert.deepEqual(await names(networkdHost(t, { files: amazon })), ['10-lan.network', '70-eth0.network']);
  const links = { 'sys/class/net/ens5/type': '1\n', 'sys/class/net/lo/type': '772\n' };
  const ec2 = { 'usr/lib/systemd/network/80-ec2.network': network('Driver=ena') };
  const next = (files: Record<string, string>) => namesOfNextStart(new FolderHost(scratch(t, files), {}));
  assert.deepEqual(next({ ...amazon, ...links, ...ec2 }), ['70-ens5.network', '80-ec2.network']);
  assert.deepEqual(next({ ...amazon, ...links }), [], 'systemd-networkd takes no lease there');
  assert.deepEqual(next({ ...links, ...ec2 }), ['80-ec2.network']);
});

test('networkd files: a .network file that serves another link, or is masked, gets none', { skip }, async (t) => {
  const files = {
    'run/systemd/netif/links/3': link('').replace('10-lan', '90-storage'),
    'etc/systemd/network/90-storage.network': network('Name=eth*'),
    'usr/lib/systemd/network/80-masked.network': network('Name=eth*'),
  };
  const host = networkdHost(t, { files });
  symlinkSync('/dev/null', join(host.root, 'etc/systemd/network/80-masked.network'));
  assert.deepEqual(await names(host), ['10-lan.network']);
});

test('networkd files: a name that was in force once keeps its drop-in, and follows the configuration', {
  skip,
}, async (t) => {
  const host = networkdHost(t);
  await converge(host, [resolved(host)]);
  const renamed = { ...ETH0, [STATE]: link('10.0.0.1').replace('10-lan', '70-eth0') };
  const files = { ...renamed, [DROP_IN.slice(1)]: host.readText(DROP_IN)! };
  const later = networkdHost(t, { files });
  assert.deepEqual(await names(later), ['10-lan.network', '70-eth0.network']);
  const changed = 'dns: { nameservers: [10.0.0.99] }';
  await converge(later, [resolved(later, changed)]);
  assert.match(later.readText(DROP_IN) ?? '', /10\.0\.0\.99/);
});

test('networkd files: systemd that does not read its units again is a failure, and the next apply tries again', {
  skip,
}, async (t) => {
  const host = networkdHost(t);
  host.systemd = { status: 1, stderr: 'Failed to reload daemon: Connection timed out\n' };
  const failed = (await converge(host, [resolved(host)])).find(({ key }) => key === SERVICE);
  assert.equal(failed?.result, 'failed');
  assert.match(failed?.reason ?? '', /systemctl daemon-reload: Failed to reload daemon: Connection timed out/);
  assert.equal(host.lstat(folderOf(SERVICE)), null);
  host.systemd = {};
  assert.equal((await converge(host, [resolved(host)])).find(({ key }) => key === SERVICE)?.result, 'changed');
});

const ENABLED = {
  'etc/systemd/system/multi-user.target.wants/systemd-networkd.service': '',
  'run/systemd/generator.late/sysinit.target.wants/systemd-resolved.service': '',
};

test('networkd files: before systemd-networkd starts, what it will read is prepared, and nobody is told to replace the link', {
  skip,
}, async (t) => {
  const files = {
    ...ENABLED,
    [STATE]: '',
    'etc/systemd/network/10-lan.network': network('Name=eth0'),
    'etc/systemd/network/20-fixed.network':
      '[Match]\nName=eth1\n[Network]\nAddress=10.1.0.2/24\nGateway=10.1.0.1\nDNS=10.1.0.53\n',
    'etc/systemd/network/30-vpn.network': '[Match]\nName=wg0\n[Network]\nAddress=10.8.0.2/24\nDNS=10.8.0.1\n',
    'etc/systemd/network/40-off.network': '[Match]\nName=eth2\n[Network]\nDHCP=no\n',
  };
  for (const others of [{}, { 'systemd-resolve': OTHERS['systemd-resolve'] }]) {
    const host = networkdHost(t, { files, others });
    assert.deepEqual(await names(host), ['10-lan.network', '20-fixed.network']);
    const [finding] = await new Resolver(host, dnsOf(YAML)).inspect();
    assert.deepEqual([finding?.state, finding?.refusal], ['skipped', undefined]);
    const now = (await finding!.settings()).map(({ setting, moment, state }) => `${setting} ${moment} ${state}`);
    assert.ok(now.includes('dns.nameservers now unknown'), 'no link says yet what it has');
    const outcomes = await converge(host, [resolved(host)]);
    assert.deepEqual(
      outcomes.map(({ result }) => result),
      ['changed', 'changed', 'changed'],
    );
    assert.deepEqual(host.told, []);
  }
  const patient = (more: Patient) => networkdHost(t, { files, others: {}, ...more });
  const refused = async (host: FolderHost) =>
    (await new Resolver(host, dnsOf(YAML)).inspect())[0]?.refusal !== undefined;
  assert.equal(await refused(patient({ live: false })), false, 'nor in the files of another root');
  const masked = patient({});
  symlinkSync('/dev/null', join(masked.root, 'etc/systemd/system/systemd-networkd.service'));
  assert.equal(await refused(masked), true);
  assert.equal(
    await refused(patient({ files: { ...files, [Object.keys(ENABLED)[1]!.replace('.wants', '')]: '' } })),
    false,
  );
  assert.equal(await refused(patient({ files: { [STATE]: '' } })), true, 'neither is enabled');
});

test('a configuration without dns: what the next systemd-networkd would read goes, and what the link holds is said', {
  skip,
}, async (t) => {
  for (const without of ['hold: nothing', YAML.replace('{', '{ symlink: replace,')]) {
    const host = networkdHost(t, { files: ETH0 });
    await converge(host, [resolved(host)]);
    const left = resolved(host, without);
    assert.deepEqual(await brief(left), [`${DROP_IN} drifted`, `${SERVICE} drifted`, 'eth0 skipped']);
    const [, , link] = await left.inspect();
    assert.match(
      link?.reason ?? '',
      /holds 10\.0\.0\.21 2001:db8::53 .* until it starts again; .*agent revert --only resolved/i,
    );
    host.told.length = 0;
    host.asked.length = 0;
    const outcomes = await converge(host, [left]);
    assert.deepEqual(
      outcomes.map(({ key, result }) => `${key} ${result}`),
      [`${DROP_IN} changed`, `${SERVICE} changed`, 'eth0 skipped'],
    );
    assert.deepEqual([host.told, host.asked], [[], ['daemon-reload']], 'the link keeps what it has');
    assert.deepEqual(
      [DROP_IN, SERVICE].map((file) => host.lstat(folderOf(file))),
      [null, null],
    );
    assert.deepEqual(await brief(left), ['eth0 skipped']);
    // Another systemd-networkd was told nothing.
    const next = new NetworkdHost(host.root, {
      others: { ...OTHERS, 'systemd-network': { 77: '/lib/systemd/systemd-networkd' } },
    });
    assert.deepEqual(await brief(resolved(next, without)), []);
    assert.equal(
      (await revertAll(host, { only: ['resolved'] })).some(({ result }) => result === 'failed'),
      false,
    );
    assert.deepEqual(host.told, ['revert eth0']);
    assert.deepEqual(await brief(left), []);
  }
});

test('a configuration without dns: the drop-in of the service stays until systemd-networkd has forgotten the copies', {
  skip,
}, async (t) => {
  const host = networkdHost(t, { files: ETH0 });
  await converge(host, [resolved(host)]);
  const text = host.readText(DROP_IN) ?? '';
  const restarted = networkdHost(t, {
    files: { ...ETH0, [DROP_IN.slice(1)]: text, [READ.slice(1)]: text, [SERVICE.slice(1)]: DNS_DROP_INS.serviceText },
  });
  const left = resolved(restarted, 'hold: nothing');
  assert.deepEqual(await brief(left), [`${DROP_IN} drifted`, `${SERVICE} ok`, 'eth0 skipped']);
  await converge(restarted, [left]);
  assert.deepEqual(await brief(left), [`${SERVICE} ok`, 'eth0 skipped']);
  assert.notEqual(restarted.lstat(READ), null, 'without it the next reload would cost the lease');
  // The service's drop-in does the same when systemd-networkd starts.
  rmSync(join(restarted.root, folderOf(READ)), { recursive: true });
  assert.deepEqual(await brief(left), [`${SERVICE} drifted`]);
});

test('networkd files: revert gives the link back and removes all files', { skip }, async (t) => {
  const host = networkdHost(t);
  await converge(host, [resolved(host)]);
  const outcomes = await revertAll(host);
  assert.deepEqual(
    outcomes.map(({ result }) => result),
    ['changed', 'changed', 'changed'],
  );
  assert.equal(host.told.at(-1), 'revert eth0');
  assert.deepEqual(host.asked, ['daemon-reload', 'daemon-reload']);
  assert.equal(host.lstat(folderOf(DROP_IN)), null);
  assert.equal(host.lstat(folderOf(SERVICE)), null);
  assert.deepEqual(new Originals(host).all(), []);
});

/** The same host after a restart of systemd-networkd, which has read the files that the service copied. */
function restarted(host: NetworkdHost, files: Record<string, string | null>): NetworkdHost {
  for (const [file, text] of Object.entries(files)) {
    host.makeFolder(folderOf(file), 0o755);
    if (text === null) host.remove(file);
    else host.replace(file, text);
  }
  return new NetworkdHost(host.root, { others: OTHERS });
}

test('networkd files: revert leaves what systemd-networkd has read until it starts again, and says so', {
  skip,
}, async (t) => {
  const first = networkdHost(t);
  await converge(first, [resolved(first)]);
  const host = restarted(first, { [READ]: renderDropIn(dnsOf(YAML)!) });
  const outcomes = await revertAll(host);
  const left = outcomes.find(({ key }) => key === SERVICE);
  assert.equal(left?.result, 'failed');
  assert.match(left?.reason ?? '', /until systemd-networkd starts again .*10-lan\.network\.d.*then revert again/);
  assert.notEqual(host.readText(READ), null);
  assert.equal(host.lstat(DROP_IN), null, 'nothing is copied any more');
  const again = restarted(host, { [READ]: null });
  assert.deepEqual(
    (await revertAll(again)).map(({ result }) => result),
    ['changed'],
  );
  assert.equal(again.lstat(SERVICE), null);
  assert.deepEqual(new Originals(again).all(), []);
});

test("networkd files: revert of an earlier version's drop-in in /etc does not touch it under a running systemd-networkd", {
  skip,
}, async (t) => {
  const host = networkdHost(t);
  await new Originals(host).rememberFile(OLD_DROP_IN, 'old\n', 'resolved');
  const running = restarted(host, { [OLD_DROP_IN]: 'old\n' });
  assert.deepEqual(
    (await revertAll(running)).map(({ key, result }) => `${key} ${result}`),
    [`${OLD_DROP_IN} failed`],
  );
  assert.equal(running.readText(OLD_DROP_IN), 'old\n');
  assert.equal(running.readText(SERVICE), DNS_DROP_INS.serviceText, 'which removes the drop-in at the next start');
  const again = restarted(running, { [OLD_DROP_IN]: null });
  await revertAll(again);
  assert.equal(again.lstat(SERVICE), null);
  assert.deepEqual(new Originals(again).all(), []);
});

test('networkd files: where no systemd-networkd runs, revert removes everything at once', { skip }, async (t) => {
  const host = networkdHost(t);
  await converge(host, [resolved(host)]);
  restarted(host, { [READ]: 'copied\n', [OLD_DROP_IN]: 'old\n' });
  const stopped = new NetworkdHost(host.root, { others: {} });
  await revertAll(stopped);
  for (const file of [READ, OLD_DROP_IN, SERVICE, DROP_IN]) assert.equal(stopped.lstat(file), null, file);
});
