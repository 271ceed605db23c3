/** A change that cuts the host off puts itself back, whole, and is not made again; a good change stays. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { type LabHost, unavailable } from '../parts/lab/host.ts';
import { CONFIGURATION, confirmBy, everything, type TrialFamily, trialScene } from '../parts/lab/trial-scene.ts';

const skip = unavailable({ nft: 'nftables' });
const WITHIN = 10;
const BOTH: readonly TrialFamily[] = ['ipv4', 'ipv6'];
const GOOD = 'routes:\n  - { to: 192.0.2.0/24, via: 10.60.0.1 }\n  - { to: "2001:db8::/32", via: "fd60::1" }\n';

interface CutOff {
  readonly families?: readonly TrialFamily[];
  /** The configuration that is confirmed first; nothing is configured before if left out. */
  readonly before?: string;
  readonly change: string;
  /** What the host must have for this beforehand. */
  readonly prepare?: string;
  readonly put: RegExp;
}

const CUT_OFF: Readonly<Record<string, CutOff>> = {
  'a wrong default route': {
    change: 'routes: [{ to: 0.0.0.0/0, via: 10.62.0.99, takeOver: true }]\n',
    before: GOOD,
    put: /the way to 10\.61\.0\.5 is now via 10\.62\.0\.99/,
  },
  'a wrong IPv6 default route, on a host with only IPv6': {
    families: ['ipv6'],
    change: 'routes: [{ to: "::/0", via: "fd62::99", metric: 1 }]\n',
    put: /fd62::99/,
  },
  'a more specific route that catches the witness': {
    families: ['ipv4'],
    before: 'routes: [{ to: 192.0.2.0/24, via: 10.60.0.1 }]\n',
    change: 'routes: [{ to: 10.61.0.5/32, type: blackhole }]\n',
    put: /tcp 10\.61\.0\.5:7022 is lost/,
  },
  'rp_filter on an asymmetric path': {
    families: ['ipv4'],
    // Answers come by the second wire.
    prepare: `ip -n server route add 10.60.0.2/32 via 10.62.0.2
              sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0 net.ipv4.conf.eth1.rp_filter=0`,
    change: 'sysctl: { net.ipv4.conf.all.rp_filter: 1 }\n',
    put: /the change touches what may stop packets on their way/,
  },
  'a masquerade that catches the answers to the witness': {
    families: ['ipv4'],
    prepare:
      'ip -n server route add blackhole 10.62.0.2; ip route replace 10.61.0.0/24 via 10.60.0.1 dev eth0 src 10.60.0.2',
    change:
      'forwarding: { masquerade: [{ out: eth0, from: 10.60.0.0/24 }] }\nroutes: [{ to: 10.61.0.5/32, via: 10.62.0.1 }]\n',
    put: /tcp 10\.61\.0\.5:7022 is lost/,
  },
};

for (const [what, { families = BOTH, before, change, prepare, put }] of Object.entries(CUT_OFF)) {
  test(`trial: ${what} is put back in time, byte for byte and route for route`, { skip }, async () => {
    await using host = await trialScene(families);
    const confirm = confirmBy(families, WITHIN);
    if (prepare !== undefined) await host.sh(prepare);
    if (before !== undefined) {
      await host.write(CONFIGURATION, before + confirm);
      const first = await host.agent('apply');
      assert.equal(first.code, 0, first.stdout + first.stderr);
      assert.match(first.stdout, /confirmed: as before the change, these answer/);
    }
    const then = await everything(host);
    await host.write(CONFIGURATION, change + confirm);
    const begun = performance.now();
    const { code, stdout, stderr } = await host.agent('apply');
    assert.equal(code, 4, stdout + stderr);
    assert.match(stderr, put);
    assert.match(stderr, /Change [0-9a-f]{8} put back: .*; cut off for \d+ s/);
    assert.equal(await everything(host), then);
    assert.ok((performance.now() - begun) / 1000 < WITHIN + 60, 'also on a busy machine');
    const again = await host.agent('apply');
    assert.equal(again.code, 4);
    assert.match(again.stderr, /is not tried again until it differs/);
    assert.equal(await everything(host), then);
    assert.match((await host.agent('plan')).stdout, /put back/);
  });
}

test('trial: kill -9 of the agent, and the undo that was armed puts all back', { skip }, async () => {
  await using host = await trialScene(['ipv4']);
  const then = await everything(host);
  await host.write(
    CONFIGURATION,
    `routes: [{ to: 0.0.0.0/0, via: 10.62.0.99, takeOver: true }]\n${confirmBy(['ipv4'])}`,
  );
  await host.sh('agent apply >/run/lab/apply.out 2>&1 & echo $! >/run/lab/apply.pid');
  await host.sh('until grep -q "is on trial" /run/lab/apply.out; do sleep 0.1; done');
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
  await host.write(
    CONFIGURATION,
    `routes: [{ to: 0.0.0.0/0, via: 10.62.0.99, takeOver: true }]\n${confirmBy(['ipv4'])}`,
  );
  await host.sh('agent apply >/run/lab/apply.out 2>&1 & echo $! >/run/lab/apply.pid');
  await host.sh('until grep -q "is on trial" /run/lab/apply.out; do sleep 0.1; done');
  await host.sh('kill -9 $(cat /run/lab/apply.pid); flock /run/holdfast/lock sleep 30');
  await ended(host);
  assert.equal(await everything(host), then);
});

test('trial: confirm and revert --trial decide by hand', { skip }, async () => {
  await using host = await trialScene(['ipv4']);
  const wrong = `routes: [{ to: 0.0.0.0/0, via: 10.62.0.99, takeOver: true }]\n`;
  const then = await everything(host);
  await host.write(CONFIGURATION, wrong + confirmBy(['ipv4'], 60));
  const begin = async () => {
    await host.sh('agent apply >/run/lab/apply.out 2>&1 & echo $! >/run/lab/apply.pid');
    await host.sh('until grep -q "is on trial" /run/lab/apply.out; do sleep 0.1; done');
  };
  const end = () =>
    host.sh('while kill -0 $(cat /run/lab/apply.pid) 2>/dev/null; do sleep 0.1; done; cat /run/lab/apply.out');
  await begin();
  assert.equal((await host.agent('confirm', '00000000')).code, 1);
  assert.match((await host.agent('revert', '--trial')).stdout, /^change [0-9a-f]{8} put back: by hand\.$/m);
  assert.match(await end(), /put back: by hand/);
  assert.equal(await everything(host), then);
  await host.write(CONFIGURATION, `# again\n${wrong}${confirmBy(['ipv4'], 60)}`);
  await begin();
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
  await host.write(
    CONFIGURATION,
    `routes: [{ to: 0.0.0.0/0, via: 10.62.0.99, takeOver: true }]\n${confirmBy(['ipv4'])}`,
  );
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
  await host.write(
    CONFIGURATION,
    `routes: [{ to: 0.0.0.0/0, via: 10.62.0.99, takeOver: true }]\n${confirmBy(['ipv4'])}`,
  );
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
  await host.write(CONFIGURATION, GOOD.replace(/\n.*2001:db8.*/, '') + confirmBy(['ipv4']));
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

async function ended(host: LabHost): Promise<void> {
  await host.sh('for try in $(seq 600); do [ -e /var/lib/holdfast/trial ] || exit 0; sleep 0.1; done; exit 1');
}
