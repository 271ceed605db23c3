/** `agent run` sees memory errors of the kernel and of a routing daemon while they happen, each once, whatever happens to it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';

const skip = unavailable();

const REFUSED = 'routed[9542]: KRT SEND ADD 10.1.0.0 mask 255.255.0.0: Cannot allocate memory';
const CONFIGURATION = `probes:
  memory-errors: { logs: [{ path: /var/log/routed }] }
`;

test('memory errors run: each error is reported once while it happens, across kill -9 and rotation', {
  skip,
  timeout: 120_000,
}, async (t) => {
  await using host = await LabHost.create();
  const mark = `holdfast-test-${process.pid}-r`;
  await host.write('/etc/holdfast/agent.yaml', CONFIGURATION);
  await host.write('/var/log/routed', `${REFUSED} of before\n`);
  const inject = (n: number) =>
    host.sh(`echo '<4>nf_conntrack: nf_conntrack: table full, dropping packet ${mark} ${n}' >/dev/kmsg`);
  const append = (n: number) => host.sh(`echo '${REFUSED} ${mark} ${n}' >>/var/log/routed`);
  /** Waits for this many events with the mark. Returns the last word and the cause of each. */
  const told = async (agent: RunningAgent, count: number) => {
    const started = performance.now();
    const ours: string[] = [];
    while (ours.length < count) {
      const { text, cause } = await agent.event('holdfast.memory_error');
      if (String(text).includes(mark)) ours.push(`${String(text).split(' ').at(-1)} ${cause}`);
    }
    t.diagnostic(`told within ${Math.round(performance.now() - started)} ms`);
    return ours.sort();
  };

  const first = await RunningAgent.start(host);
  // The first reading passes over older messages. Wait until it is over.
  await host.sh('until [ -e /run/holdfast/kernel-log ] && [ -e /run/holdfast/daemon-logs ]; do sleep 0.05; done');
  await inject(1);
  await append(1);
  assert.deepEqual(await told(first, 2), ['1 conntrack-full', '1 route-add-failed']);
  await host.sh('sleep 1.5'); // after the next reading: nothing is reported twice
  assert.equal(first.log.lines.filter((line) => line.includes(mark)).length, 2);
  await first.signal('KILL');

  await inject(2);
  await append(2);
  await host.sh('mv /var/log/routed /var/log/routed.1');
  await append(3);
  const second = await RunningAgent.start(host);
  assert.deepEqual(await told(second, 3), ['2 conntrack-full', '2 route-add-failed', '3 route-add-failed']);
  await inject(4);
  assert.deepEqual(await told(second, 1), ['4 conntrack-full']);
  assert.equal(await second.stop(), 0);
  assert.equal(second.log.lines.filter((line) => line.includes(mark)).length, 4);
});
