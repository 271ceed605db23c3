/**
 * The package's life on a booted Debian, from the bare system to the purge, with what a service meets in between. After
 * each step it is looked at what holds. Throws where anything is not as it has to be.
 */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { Suite } from '../parts/lab/debian.ts';
import { nameservers, OLD } from '../parts/lab/scene.ts';
import { watchFile } from '../parts/lab/watch.ts';
import { ALL, CONFIGURATION, everywhere, forwarding, type Held, held, NONE, resolvConf } from './held.ts';
import { Machine } from './machine.ts';
import { difference, manifest } from './manifest.ts';
import { bringPackages, type Format } from './packages.ts';

export interface Step {
  readonly after: string;
  readonly held: Held;
  /** The state of holdfast.service; null if there is none. */
  readonly service: string | null;
  /** Measured values and remarks. */
  readonly note: string;
}

const PATIENCE_MS = 120_000;

/** Yields each step when it has been looked at. Takes about two minutes, mostly waiting for renewals. */
export async function* lifecycle(release: Suite, format: Format): AsyncGenerator<Step> {
  const dhcp = { renewEvery: 1, offers: `option domain-name-servers ${OLD.join(', ')};` };
  await using machine = await Machine.boot({ release, dhcp, packages: format.packages });
  await bringPackages(machine, format);
  // Otherwise parts of the first boot would be counted as Holdfast's.
  await machine.reboot();
  const bare = await manifest(machine);
  const address = await machine.sh('ip -4 -o addr show dev eth0');

  async function look(after: string, wanted: Held, note = ''): Promise<Step> {
    const seen = await held(machine);
    assert.deepEqual(seen, wanted, after);
    assert.equal(machine.server!.log.count(/^DHCPDECLINE/), 0, `${after}: no lease was declined`);
    assert.equal(ipOf(await machine.sh('ip -4 -o addr show dev eth0')), ipOf(address), `${after}: the address stays`);
    const there = await machine.run(['systemctl', 'cat', 'holdfast.service']);
    return { after, held: seen, service: there.code === 0 ? await activity(machine) : null, note };
  }

  await machine.sh(format.install);
  const installed = difference(bare, await manifest(machine));
  yield await look(
    'install',
    everywhere(NONE),
    `${await onlyOwnFiles(machine, format, installed)} files, all of them its own`,
  );

  await machine.write('/etc/holdfast/agent.yaml', CONFIGURATION);
  await machine.sh('agent apply');
  yield await look('agent apply', everywhere(ALL));

  await machine.sh(format.start);
  assert.equal(await activity(machine), 'active');
  yield await look(format.start, everywhere(ALL));

  yield await look('kill -9', everywhere(ALL), await killed(machine));
  yield await look('SIGSTOP', everywhere(ALL), await hung(machine));
  yield await look('a full disk', everywhere(ALL), await fullDisk(machine));
  yield await look('upgrade', everywhere(ALL), await upgraded(machine, format));
  yield await look('upgrade, resolv.conf overwritten in between', everywhere(ALL), await overwritten(machine, format));

  // What it keeps belongs to a user that is there only while it runs.
  await machine.sh('systemctl start holdfast-collector');
  assert.ok(machine.exists('/var/lib/private/holdfast-collector'));
  await machine.reboot();
  assert.equal(await activity(machine), 'active');
  yield await look('reboot', everywhere(ALL));

  const removal = await machine.sh(format.remove);
  assert.match(removal, /files and values that it set stay as they are/);
  assert.equal(machine.exists('/usr/bin/agent'), false);
  yield await look('remove', everywhere(ALL), 'no executable: the hooks hold it');

  await machine.reboot();
  yield await look('remove, reboot', everywhere(ALL), 'the same, and the files hold it at boot');

  const purge = await machine.sh(format.purge);
  assert.match(purge, /dhclient\[\d+\] on eth0 still uses the dhclient\.conf that it read at its start/);
  assert.equal(machine.exists('/run/holdfast'), false);
  assert.equal(await forwarding(machine), '0');
  await machine.reboot();
  const left = difference(bare, await manifest(machine));
  assert.deepEqual(left, [], 'nothing is left but what was there');
  assert.equal((await machine.run(['sh', '-c', format.known])).code, 1, 'the tool knows nothing of it');
  yield await look('purge, reboot', everywhere(NONE), `every one of ${bare.length} files, modes and owners as before`);
  assert.deepEqual(nameservers(await machine.read('/etc/resolv.conf')), OLD);
}

/** How many; throws if one is not listed by the tool, and is not what systemd enables a service with. */
async function onlyOwnFiles(machine: Machine, { files }: Format, changes: readonly string[]): Promise<number> {
  const own = new Set((await machine.sh(files)).split('\n'));
  const paths = new Set(
    changes.map((line) => /(?:^[-+]\S \S+ \S+ |^[-+][0-9a-f]{64} {2})(\S*)/.exec(line)?.[1] ?? line),
  );
  const enabled = /^\/(etc\/systemd\/system|var\/lib\/systemd\/deb-systemd-helper-enabled)\b.*(holdfast.*|\.wants)$/;
  const foreign = [...paths].filter((path) => !own.has(path) && !enabled.test(path));
  assert.deepEqual(foreign, [], 'the package changed nothing of others');
  assert.ok(
    changes.every((line) => line.startsWith('+')),
    'and took nothing away',
  );
  return paths.size;
}

/** Kills it like the kernel's out-of-memory killer. Meanwhile another program overwrites resolv.conf. */
async function killed(machine: Machine): Promise<string> {
  const pid = await mainPid(machine);
  await machine.sh(`kill -KILL ${pid}; ${OVERWRITE}`);
  await restarted(machine, pid);
  await until(async () => (await resolvConf(machine)).nameservers, 'it is healed by the next daemon');
  return 'systemd starts it again, and what somebody wrote meanwhile is healed';
}

/** It does nothing any more: the watchdog, every 5 s here, has systemd end it and start another. */
async function hung(machine: Machine): Promise<string> {
  const dropIn = '/run/systemd/system/holdfast.service.d/watchdog.conf';
  await machine.write(dropIn, '[Service]\nWatchdogSec=5\nTimeoutAbortSec=1\n');
  await machine.sh('systemctl daemon-reload; systemctl restart holdfast.service');
  const pid = await mainPid(machine);
  await machine.sh(`kill -STOP ${pid}; ${OVERWRITE}`);
  await restarted(machine, pid);
  await until(async () => (await resolvConf(machine)).nameservers, 'it is healed by the next daemon');
  assert.match(await machine.journal('holdfast.service'), /watchdog/i);
  await machine.sh(`rm ${dropIn}; systemctl daemon-reload; systemctl restart holdfast.service`);
  return 'the watchdog has systemd start another, which heals';
}

/** The only disk is full while renewals come and another program overwrites resolv.conf. */
async function fullDisk(machine: Machine): Promise<string> {
  const { outside } = machine;
  const pid = await mainPid(machine);
  // Refused where something was written since df looked.
  await outside.sh(`for n in $(seq 20); do
      ! mount -o remount,size=$(df --output=used -k /run/machine | tail -1)k /run/machine || exit 0
    done; exit 1`);
  assert.notEqual((await machine.run(['sh', '-c', 'echo something >/root/more'])).code, 0, 'the disk is full');
  const watch = await watchFile(machine, '/etc/resolv.conf');
  await machine.leased(2);
  const { wrongMs, emptyMs, absentMs } = await watch.stop();
  assert.deepEqual({ wrongMs, emptyMs, absentMs }, { wrongMs: 0, emptyMs: 0, absentMs: 0 });
  await machine.run(['sh', '-c', OVERWRITE]);
  await machine.leased(1);
  await outside.sh('mount -o remount,size=50% /run/machine');
  await machine.sh('rm -f /root/more');
  await until(async () => (await resolvConf(machine)).nameservers, 'it is healed once there is room');
  assert.equal(await mainPid(machine), pid, 'the same daemon');
  return 'renewals change nothing; the same daemon heals once there is room';
}

/** While renewals of a dhclient come that was started with other servers. */
async function upgraded(machine: Machine, { upgrade }: Format): Promise<string> {
  const pid = await mainPid(machine);
  const spool = await spooled(machine);
  assert.ok(Object.keys(spool).length > 0, 'something waits for the collector');
  const watch = await watchFile(machine, '/etc/resolv.conf');
  const renewals = machine.leased(2);
  await machine.sh(upgrade);
  await renewals;
  const { wrongMs, emptyMs, absentMs, changes } = await watch.stop();
  assert.deepEqual({ wrongMs, emptyMs, absentMs, changes }, { wrongMs: 0, emptyMs: 0, absentMs: 0, changes: 0 });
  assert.notEqual(await mainPid(machine), pid);
  assert.equal(await machine.sh(`readlink /proc/${await mainPid(machine)}/exe`), '/usr/bin/agent\n', 'the new one');
  const then = await spooled(machine);
  for (const [file, bytes] of Object.entries(spool)) {
    assert.ok(then[file]?.subarray(0, bytes.length).equals(bytes), `${file} of the spool is kept`);
  }
  return `the daemon was away for ${await restartMs(machine)} ms, resolv.conf wrong for ${wrongMs} ms; spool kept`;
}

/** In the moment in which the old daemon has gone. */
async function overwritten(machine: Machine, { upgrade }: Format): Promise<string> {
  const pid = await mainPid(machine);
  const watch = await watchFile(machine, '/etc/resolv.conf');
  const overwriting = machine.sh(`while [ -e /proc/${pid} ]; do sleep 0.01; done; ${OVERWRITE}`);
  await machine.sh(upgrade);
  await overwriting;
  await until(async () => (await resolvConf(machine)).nameservers, 'the new daemon heals it');
  const { wrongMs, emptyMs, changes } = await watch.stop();
  assert.ok(changes >= 2, 'overwritten, and healed');
  return `healed ${Math.round(wrongMs + emptyMs)} ms later`;
}

const OVERWRITE = 'echo nameserver 192.0.2.9 >/etc/resolv.conf';

async function activity(machine: Machine): Promise<string> {
  return (await machine.run(['systemctl', 'is-active', 'holdfast.service'])).stdout.trim();
}

async function property(machine: Machine, name: string): Promise<string> {
  return (await machine.sh(`systemctl show --value --property=${name} holdfast.service`)).trim();
}

async function mainPid(machine: Machine): Promise<number> {
  const pid = Number(await property(machine, 'MainPID'));
  assert.ok(pid > 0, 'the daemon runs');
  return pid;
}

async function restarted(machine: Machine, pid: number): Promise<void> {
  await until(async () => {
    return (await activity(machine)) === 'active' && (await property(machine, 'MainPID')) !== String(pid);
  }, 'systemd has started another daemon');
}

/** From the order to end until the next daemon said that all is held and watched (sd_notify(3), READY). */
async function restartMs(machine: Machine): Promise<number> {
  const [ended, ready] = await Promise.all(
    ['ActiveExitTimestampMonotonic', 'ActiveEnterTimestampMonotonic'].map((name) => property(machine, name)),
  );
  return Math.round((Number(ready) - Number(ended)) / 1000);
}

/** The content of each segment. */
async function spooled(machine: Machine): Promise<Record<string, Buffer>> {
  const files = (await machine.sh('find /var/lib/holdfast/spool -name "*.seg"')).split('\n').filter(Boolean);
  const contents = await Promise.all(files.map((file) => machine.sh(`base64 -w0 ${file}`)));
  return Object.fromEntries(files.map((file, n) => [file, Buffer.from(contents[n]!, 'base64')]));
}

const ipOf = (line: string) => /inet (\S+)/.exec(line)?.[1];

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `in time: ${what}`);
    await pause(100);
  }
}
