/** Another user of the host, eve: what she can read, what root does for her, and where root writes while she moves things. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { after, before, beforeEach, test } from 'node:test';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { hiddenFromOthers, REPOSITORY } from '../parts/repository.ts';

const EVE = ['setpriv', '--reuid', '4242', '--regid', '4242', '--clear-groups'];
const skip = unavailable({ setpriv: 'util-linux', perl: 'perl-base' }) || hiddenFromOthers;
const SECRET = 'root alone\n';
const TOKEN = 'token-that-nobody-may-see';
let host: LabHost;

before(async () => {
  if (skip) return;
  host = await LabHost.create();
  await host.sh('rm -rf /home; mkdir -p /home');
});
after(() => host?.close());

beforeEach(async () => {
  if (skip) return;
  await host.sh('rm -rf /home/eve /etc/victim; mkdir -p /home/eve/own /home/eve/d /etc/victim; chmod 755 /etc/victim');
  await host.write('/etc/victim/secret', SECRET, 0o600);
  await host.sh('chown -R 4242:4242 /home/eve');
});

const asEve = (script: string) => host.run([...EVE, 'sh', '-c', script]);

/** What is in root's folder, with owner and mode. */
function victim() {
  const folder = host.path('/etc/victim');
  return readdirSync(folder).map((name) => {
    const { uid, mode, nlink } = statSync(`${folder}/${name}`);
    return { name, uid, mode: mode & 0o7777, nlink, text: readFileSync(`${folder}/${name}`, 'latin1') };
  });
}

const UNTOUCHED = [{ name: 'secret', uid: 0, mode: 0o600, nlink: 1, text: SECRET }];

async function race(writer: 'ours' | 'naive', flips: number): Promise<Record<string, number>> {
  const child = host.spawn([process.execPath, `${REPOSITORY}/test/faults/hostile-writer.ts`, writer]);
  const outcomes = text(child.stdout!);
  const said = text(child.stderr!);
  assert.equal((await host.run([...EVE, 'perl', `${REPOSITORY}/test/faults/hostile-flips.pl`, `${flips}`])).code, 0);
  child.stdin!.end();
  const [status] = await once(child, 'close');
  assert.equal(status, 0, await said);
  return JSON.parse(await outcomes);
}

test('hostile user control: what is written by name is written where she says', { skip }, async () => {
  while (victim().length === 1) await race('naive', 2_000);
  const { name, ...led } = victim().find((one) => one.name !== 'secret')!;
  assert.match(name, /^(file|\.file\.holdfast)$/, 'it, or what was to be renamed to it');
  assert.deepEqual(led, { uid: 0, mode: 0o644, nlink: 1, text: 'from root\n' });
});

test('hostile user: 100,000 times she puts another thing under the names that root writes to: nothing is written elsewhere', {
  skip,
}, async (t) => {
  const outcomes = await race('ours', 100_000);
  t.diagnostic(JSON.stringify(outcomes));
  assert.deepEqual(victim(), UNTOUCHED);
  assert.ok(outcomes.done! > 0, 'some of it got through');
  const unclear = Object.keys(outcomes).filter((one) => one !== 'done' && !/^HostError (?!UNKNOWN)[A-Z]+$/.test(one));
  assert.deepEqual(unclear, []);
});

test('hostile user: agent probe --output into a folder of hers writes there or nowhere', { skip }, async () => {
  await host.write('/etc/holdfast/agent.yaml', 'sysctl: { net.ipv4.ip_forward: 0 }\n');
  const probe = (file: string) => host.agent('probe', 'routes', '--prometheus', '--output', file);
  assert.equal((await probe('/home/eve/own/x.prom')).code, 0);
  const { uid, mode } = statSync(host.path('/home/eve/own/x.prom'));
  assert.deepEqual([uid, mode & 0o7777], [0, 0o644]);

  await asEve('cd /home/eve && rmdir d && ln -s /etc/victim d && ln -s /etc/victim/secret own/link && mkfifo own/fifo');
  const led = await probe('/home/eve/d/x.prom');
  assert.equal(led.code, 1);
  assert.match(led.stderr, /cannot write .*: \/home\/eve\/d, on the way there, is a symbolic link/);
  assert.equal((await probe('/home/eve/own/link')).code, 0, 'the link itself is replaced');
  assert.match((await probe('/home/eve/own/fifo')).stderr, /named pipe/);
  await asEve('ln -s /etc/victim/secret /home/eve/own/init');
  assert.equal((await host.agent('init', '--force', '--output', '/home/eve/own/init')).code, 0);
  assert.deepEqual(victim(), UNTOUCHED);
});

test('hostile user: a program of hers named dhclient makes root edit no file and run nothing', {
  skip,
}, async () => {
  await host.write('/etc/victim/conf', 'timeout 60;\n');
  await host.write('/home/eve/evil', '#!/bin/sh\necho "$(id -u)" >/run/evil; chmod 666 /etc/victim/secret\n', 0o755);
  await host.write('/etc/holdfast/agent.yaml', 'dhclient: { supersede: { ntp-servers: [192.0.2.1] } }\n');
  // Any program that bears with such words; root's in effect, as su(1) is.
  await host.sh('cp "$(command -v perl)" /home/eve/dhclient; chmod 4755 /home/eve/dhclient');
  await host.write('/home/eve/wait.pl', 'open my $up, ">", "/home/eve/up"; close $up; sleep 600;\n');
  const words = ['/home/eve/dhclient', '/home/eve/wait.pl', '-cf', '/etc/victim/conf', '-sf', '/home/eve/evil', 'eth0'];
  const start = async (who: readonly string[]) => {
    await host.sh('rm -f /home/eve/up');
    host.spawn([...who, ...words]);
    await host.sh('until [ -e /home/eve/up ]; do sleep 0.05; done');
  };
  await start(EVE);
  await host.agent('apply');
  assert.equal(await host.read('/etc/victim/conf'), 'timeout 60;\n');
  assert.match(
    (await host.agent('rehearse', 'lease')).stderr,
    /only leases of dhclient, .* can be rehearsed, and this host has none, present or past/,
  );
  assert.ok(!host.exists('/run/evil'));

  await start([]);
  await host.agent('apply');
  assert.match(await host.read('/etc/victim/conf'), /192\.0\.2\.1/, "control: root's own is held");
  await host.sh('pkill -x dhclient; agent revert; rm -rf /etc/holdfast');
});

test('hostile user: nothing that Holdfast keeps, runs with or logs tells her a secret, and nothing of it is hers to write', {
  skip,
}, async () => {
  await host.sh('ip link set lo up');
  await host.write('/etc/holdfast/token', `${TOKEN}\n`, 0o600);
  await host.write(
    '/etc/holdfast/agent.yaml',
    `dns: { nameservers: [127.0.0.1] }\nsysctl: { net.ipv4.ip_forward: 1 }\nreport: { endpoint: "http://127.0.0.1:9", token-file: /etc/holdfast/token }\n`,
  );
  const agent = await RunningAgent.start(host);
  await host.sh('until ls /var/lib/holdfast/spool/*/*.seg; do sleep 0.1; done');
  const seen = await asEve(
    'find /run/holdfast /var/lib/holdfast /etc/holdfast -type f -readable; echo; find /run/holdfast /var/lib/holdfast /etc/holdfast -writable',
  );
  const [readable = '', writable] = seen.stdout.split('\n\n');
  assert.equal(writable?.trim() ?? '', '');
  const told = readable.trim().split('\n');
  assert.deepEqual(
    told.filter(
      (file) =>
        !/^\/etc\/holdfast\/agent\.yaml$|^\/run\/holdfast\/(lease6?\.|networkmanager$|standing$|in-force$)/.test(file),
    ),
    [],
  );
  const pid = (await host.read('/run/lab/agent.pid')).trim();
  const spied = await asEve(
    `cat /proc/${pid}/environ /proc/${pid}/maps; ls -l /proc/${pid}/fd; cat /proc/${pid}/cmdline`,
  );
  assert.doesNotMatch(spied.stdout, new RegExp(TOKEN));
  assert.match(spied.stderr, /environ: Permission denied/);
  assert.doesNotMatch(agent.log.lines.join('\n'), new RegExp(TOKEN));
  await host.sh(`kill ${pid}`);
});

test('hostile user: a configuration that she could change is refused, and her folder as the current one changes nothing', {
  skip,
}, async () => {
  await host.write('/etc/holdfast/agent.yaml', 'sysctl: { net.ipv4.ip_forward: 1 }\n');
  await asEve('cd /home/eve && echo "sysctl: {net.ipv4.ip_forward: 0}" >agent.yaml && mkdir agent.d node_modules');
  const refused = await host.agent('apply', '--config', '/home/eve/agent.yaml');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /belongs to user 4242, who could decide what root does/);
  assert.equal((await host.run(['sh', '-c', 'cd /home/eve && agent apply'])).code, 0);
  assert.equal(await host.sh('cat /proc/sys/net/ipv4/ip_forward'), '1\n');
});
