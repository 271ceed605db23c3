/** Trials that end by other hands than the witnesses', and trials of the daemon. confirm-cases.test.ts has each change that cuts off. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { type LabHost, unavailable } from '../parts/lab/host.ts';
import { CONFIGURATION, confirmBy, everything, trialScene } from '../parts/lab/trial-scene.ts';

const skip = unavailable({ nft: 'nftables' });
/** A default route by a gateway that does not exist. */
const CUT_OFF = 'routes: [{ to: 0.0.0.0/0, via: 10.62.0.99, takeOver: true }]\n';

test('trial: kill -9 of the agent, and the undo that was armed puts all back', { skip }, async () => {
  await using host = await trialScene(['ipv4']);
  const then = await everything(host);
  await host.write(CONFIGURATION, CUT_OFF + confirmBy(['ipv4']));
  await begin(host);
  assert.match((await host.agent('status')).stdout, /Change [0-9a-f]{8} \(hooks, routes\) is on trial, \d+ s left/);
  const other = await host.agent('revert');
  assert.equal(other.code, 4);
  assert.match(
    other.stderr,
    /a trial of change [0-9a-f]{8} is running, \d+ s left; to end it, run: agent confirm, or agent revert --trial/,
  );
  await host.sh('kill -9 $(cat /run/lab/apply.pid)');
  await ended(host);
  assert.equal(await everything(host), then);
  const { stderr } = await host.agent('apply');
  assert.match(stderr, /put back: the agent ended before the change was confirmed/);
  assert.equal(await everything(host), then, 'and without a confirmed configuration nothing is held');
});

test('trial: the undo waits for an apply that has the lock, and then puts all back', { skip }, async () => {
  await using host = await trialScene(['ipv4']);
  const then = await everything(host);
  await host.write(CONFIGURATION, CUT_OFF + confirmBy(['ipv4']));
  await begin(host);
  await host.sh('kill -9 $(cat /run/lab/apply.pid); flock /run/holdfast/lock sleep 30');
  await ended(host);
  assert.equal(await everything(host), then);
});

test('trial: confirm and revert --trial decide by hand', { skip }, async () => {
  await using host = await trialScene(['ipv4']);
  const then = await everything(host);
  await host.write(CONFIGURATION, CUT_OFF + confirmBy(['ipv4'], 60));
  const end = () =>
    host.sh('while kill -0 $(cat /run/lab/apply.pid) 2>/dev/null; do sleep 0.1; done; cat /run/lab/apply.out');
  await begin(host);
  assert.equal((await host.agent('confirm', '00000000')).code, 1);
  assert.match((await host.agent('revert', '--trial')).stdout, /^change [0-9a-f]{8} put back: by hand\.$/m);
  assert.match(await end(), /put back: by hand/);
  assert.equal(await everything(host), then);
  await host.write(CONFIGURATION, `# again\n${CUT_OFF}${confirmBy(['ipv4'], 60)}`);
  await begin(host);
  assert.match((await host.agent('confirm')).stdout, /^Change [0-9a-f]{8} is confirmed and stays\.$/m);
  assert.match(await end(), /confirmed by hand/);
  assert.match(await host.sh('ip route'), /^default via 10\.62\.0\.99/m);
  assert.equal((await host.agent('confirm')).stdout, 'No change is on trial.\n');
});

test('trial: an apply beside the daemon hands over, and after an undo the daemon holds the confirmed configuration', {
  skip,
}, async () => {
  await using host = await trialScene(['ipv4']);
  const good = 'sysctl: { net.ipv4.ip_forward: 1 }\n';
  await host.write(CONFIGURATION, good + confirmBy(['ipv4']));
  const agent = await RunningAgent.start(host);
  const confirmed = await agent.event('holdfast.change.confirmed');
  assert.match(
    confirmed.msg,
    /^change [0-9a-f]{8} confirmed: as before the change, these answer: gateway \(IPv4\), tcp /,
  );
  const then = await everything(host);
  await host.write(CONFIGURATION, CUT_OFF + confirmBy(['ipv4']));
  const { code } = await host.agent('apply');
  assert.equal(code, 4);
  await agent.event('holdfast.change.put_back');
  assert.equal(await everything(host), then);
  await host.sh('sysctl -qw net.ipv4.ip_forward=0');
  await agent.event('holdfast.heal');
  assert.equal(await everything(host), then, 'the confirmed configuration is held');
  assert.equal(await agent.stop(), 0);
});

test('trial: the daemon tries a new configuration at its reload, and puts it back', { skip }, async () => {
  await using host = await trialScene(['ipv4']);
  await host.write(CONFIGURATION, `sysctl: { net.ipv4.ip_forward: 1 }\n${confirmBy(['ipv4'])}`);
  const agent = await RunningAgent.start(host);
  await agent.event('holdfast.change.confirmed');
  const then = await everything(host);
  await host.write(CONFIGURATION, CUT_OFF + confirmBy(['ipv4']));
  await agent.signal('HUP');
  const event = await agent.event('holdfast.change.put_back');
  assert.match(event.msg, /^change [0-9a-f]{8} put back: 1\d s after .*; cut off for \d+ s$/);
  assert.equal(await everything(host), then);
  assert.equal(agent.count('holdfast.change.put_back'), 1);
  assert.equal(await agent.stop(), 0);
});

test('trial: a host that reached nobody before keeps the change, and says that nothing was proved', {
  skip,
}, async () => {
  await using host = await trialScene(['ipv4']);
  await host.sh('ip link set eth0 down');
  await host.write(CONFIGURATION, `sysctl: { net.ipv4.ip_forward: 1 }\n${confirmBy(['ipv4'])}`);
  const { code, stdout } = await host.agent('apply');
  assert.equal(code, 0);
  assert.match(stdout, /no witness answered before the change, so nothing could be proved/);
});

test('trial: a configuration that was edited before a boot waits for its witnesses', { skip }, async () => {
  await using host = await trialScene(['ipv4']);
  await host.write(CONFIGURATION, `routes: [{ to: 192.0.2.0/24, via: 10.60.0.1 }]\n${confirmBy(['ipv4'])}`);
  assert.match((await host.agent('apply')).stdout, /confirmed: as before the change, these answer/);
  await host.sh(
    `ip link set eth0 down; echo "40.00 40.00" >/run/lab/uptime; mount --bind /run/lab/uptime /proc/uptime`,
  );
  await host.write(CONFIGURATION, `sysctl: { net.ipv4.ip_forward: 1 }\n${confirmBy(['ipv4'])}`);
  const early = await host.agent('apply');
  assert.equal(early.code, 4, early.stdout);
  assert.match(
    early.stdout + early.stderr,
    /nothing is changed yet: the machine has just booted, and no witness answers/,
  );
  assert.equal((await host.sh('sysctl -n net.ipv4.ip_forward')).trim(), '0');
  await host.sh('umount /proc/uptime');
  assert.match((await host.agent('apply')).stdout, /no witness answered before the change/);
  assert.match(await host.sh('ls /var/lib/holdfast'), /^confirmed\n(.*\n)*provisional$/m);
  assert.equal((await host.agent('revert')).code, 0);
  assert.doesNotMatch(await host.sh('ls /var/lib/holdfast'), /confirmed|provisional/, 'the next boot applies neither');
});

/** Starts an apply in the background, and returns when its change is on trial. */
async function begin(host: LabHost): Promise<void> {
  await host.sh('agent apply >/run/lab/apply.out 2>&1 & echo $! >/run/lab/apply.pid');
  await host.sh('until grep -q "is on trial" /run/lab/apply.out; do sleep 0.1; done');
}

async function ended(host: LabHost): Promise<void> {
  await host.sh('for try in $(seq 600); do [ -e /var/lib/holdfast/trial ] || exit 0; sleep 0.1; done; exit 1');
}
