/** `agent probe --output`: a file for node_exporter's textfile collector, which reads it whenever it likes. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { LabHost, unavailable } from '../parts/lab/host.ts';

const skip = unavailable();
const FOLDER = '/var/lib/prometheus/node-exporter';
const FILE = `${FOLDER}/holdfast.prom`;
const ALL = ['probe', '--prometheus', '--output', FILE];
let host: LabHost;

before(async () => {
  if (skip) return;
  host = await LabHost.create();
  await host.write('/etc/holdfast/agent.yaml', 'sysctl: { net.ipv4.ip_forward: 0 }\n');
  await host.sh(`mkdir -p ${FOLDER}`);
});
after(() => host?.close());

const names = async () => (await host.sh(`ls -A ${FOLDER}`)).trim().split('\n');

test('probe output: the file is whole and readable by all, no other file is left, and nothing is printed', {
  skip,
}, async () => {
  const { code, stdout, stderr } = await host.agent(...ALL);
  assert.deepEqual([code, stdout, stderr], [0, '', '']);
  assert.match(await host.read(FILE), /^system_network_route_count\{.*\} \d+$/m);
  assert.match(await host.read(FILE), /\n$/);
  assert.equal(statSync(host.path(FILE)).mode & 0o7777, 0o644);
  assert.deepEqual(await names(), ['holdfast.prom']);
});

test('probe output: the file is replaced, so a reader that has it open keeps the old text', { skip }, async () => {
  const old = await host.read(FILE);
  await host.sh(`exec 3<${FILE}; agent ${ALL.join(' ')}; cat <&3 >/tmp/seen`);
  assert.equal(await host.read('/tmp/seen'), old);
  assert.notEqual(await host.read(FILE), old, 'durations differ');
});

test('probe output: a probe that cannot see is marked as failed, beside the values of the others', {
  skip,
}, async () => {
  // A device that no driver has.
  await host.sh('mknod /tmp/none c 240 77; mount --bind /tmp/none /dev/kmsg');
  const { code } = await host.agent(...ALL);
  await host.sh('umount /dev/kmsg');
  assert.equal(code, 4);
  assert.match(await host.read(FILE), /^holdfast_probe_success_ratio\{.*memory-errors\.kernel.*\} 0$/m);
  assert.match(await host.read(FILE), /^system_network_route_count\{.*\} \d+$/m);
});

test('probe output: an interrupted command or write leaves the old file', { skip }, async () => {
  const old = await host.read(FILE);
  await host.write('/tmp/bad.yaml', 'sysctl: nonsense\n');
  assert.equal((await host.agent(...ALL, '--config', '/tmp/bad.yaml')).code, 1);
  assert.equal(await host.read(FILE), old);

  await host.sh(`mount -t tmpfs -o size=4k full ${FOLDER}; printf old >${FILE}`);
  const full = await host.agent(...ALL);
  assert.deepEqual([full.code, full.stderr.includes('no space is left')], [1, true], full.stderr);
  assert.equal(await host.read(FILE), 'old');
  assert.deepEqual(await names(), ['holdfast.prom']);
  await host.sh(`umount ${FOLDER}`);
});

test('probe output: a device stays a device', { skip }, async () => {
  await host.sh('mknod /tmp/null c 1 3');
  const { code, stderr } = await host.agent('probe', 'routes', '--prometheus', '--output', '/tmp/null');
  assert.equal(code, 1);
  assert.match(stderr, /^cannot write \/tmp\/null: it is a device, and a regular file belongs there/);
  assert.equal(await host.sh('stat -c %F /tmp/null'), 'character special file\n');
});

test('probe output: "-" is standard output, --json may go into a file, and a table may not', { skip }, async () => {
  const { stdout } = await host.agent('probe', 'routes', '--prometheus', '--output', '-');
  assert.match(stdout, /^system_network_route_count\{/m);
  assert.equal(await host.sh('cd /tmp; agent probe routes --json --output probe.json'), '');
  assert.equal(JSON.parse(await host.read('/tmp/probe.json')).probes[0].name, 'routes');
  const { code, stderr } = await host.agent('probe', '--output', FILE);
  assert.deepEqual([code, stderr], [1, '--output needs --prometheus or --json\n']);
});
