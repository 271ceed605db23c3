/** `agent run` and `agent probe` see what units write into the real journald's journal, each message once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { JOURNAL_PARTS, PrivateJournal } from '../parts/lab/private-journal.ts';

const skip = unavailable(JOURNAL_PARTS);

const REFUSED = 'KRT SEND ADD 10.1.0.0 mask 255.255.0.0: Cannot allocate memory';
const CONFIGURATION = `report: { interval: 1s }
probes:
  memory-errors: { journal: [frr.service, bird@edge.service] }
`;

test('journal: each message of a unit is told once, across kill -9, rotation and the end of journalctl', {
  skip,
  timeout: 120_000,
}, async () => {
  await using host = await LabHost.create();
  await using journal = await PrivateJournal.on(host);
  await host.write('/etc/holdfast/agent.yaml', CONFIGURATION);
  const write = (n: number, unit = 'frr.service') => journal.write(unit, `${REFUSED} number ${n}`);
  await host.write('/etc/systemd/system/bird@.service', '[Service]\nExecStart=/bin/true\n');
  await write(0);
  /** Waits for this many messages, and returns the last word and the source of each. */
  const told = async (agent: RunningAgent, count: number) => {
    const seen: string[] = [];
    while (seen.length < count) {
      const { text, source } = await agent.event('holdfast.memory_error');
      if (String(text).includes(REFUSED)) seen.push(`${/number \d+/.exec(String(text))} ${source}`);
    }
    return seen;
  };
  const withoutChild = () => host.sh('while pgrep -x journalctl >/dev/null; do sleep 0.05; done');

  const first = await RunningAgent.start(host);
  await host.sh('until [ -e /run/holdfast/journal-cursor ]; do sleep 0.05; done');
  await write(100, 'other.service');
  await write(1);
  await write(2, 'bird@edge.service');
  assert.deepEqual(await told(first, 2), ['number 1 frr.service', 'number 2 bird@edge.service']);

  await host.sh('pkill -KILL -x journalctl');
  const raised = await first.log.until(/"holdfast\.condition\.raised".*"log-unreadable"/);
  assert.match(
    raised,
    /cannot follow frr\.service: journalctl ended by SIGKILL: memory errors in this journal are not/,
  );
  await write(3);
  assert.deepEqual(await told(first, 1), ['number 3 frr.service']);

  await journal.rotate();
  await journal.vacuum();
  await journal.write(
    'frr.service',
    `{100000} ${REFUSED} number 101`,
    `nul \\0 ${REFUSED} number 4`,
    `one & two ${REFUSED} number 5`,
    `\x1b[31m ${REFUSED} number 6`,
  );
  const hostile = ['number 4 frr.service', 'number 5 frr.service', 'number 6 frr.service'];
  assert.deepEqual(await told(first, 3), hostile);
  await host.sh('sleep 1.5'); // after the next reading: the place is on disk
  await first.signal('KILL');
  await withoutChild();

  // In a file that was rotated while no agent ran.
  await write(7);
  await journal.rotate();
  await write(8);
  const second = await RunningAgent.start(host);
  assert.deepEqual(await told(second, 2), ['number 7 frr.service', 'number 8 frr.service']);
  await host.sh('sleep 1.5');
  assert.equal(await second.stop(), 0);
  await withoutChild();

  // The entry that was read last is deleted.
  await journal.rotate();
  await journal.vacuum();
  await write(9);
  const third = await RunningAgent.start(host);
  assert.deepEqual(await told(third, 1), ['number 9 frr.service']);
  await write(10);
  assert.deepEqual(await told(third, 1), ['number 10 frr.service']);
  assert.equal(await third.stop(), 0);
  const lines = [first, second, third].flatMap(({ log }) =>
    log.lines.flatMap((line) => (line.includes('"holdfast.memory_error"') ? (/number \d+/.exec(line) ?? []) : [])),
  );
  assert.deepEqual(
    lines,
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((n) => `number ${n}`),
  );

  const { stdout, code } = await host.agent('probe', 'memory-errors.journal', '--json');
  const { events } = JSON.parse(stdout).probes[0];
  const sources = events.map(({ attributes }: { attributes: { source: string } }) => attributes.source);
  assert.deepEqual([code, sources], [0, ['frr.service', 'frr.service']], stdout);

  // Nothing would ever be heard of these units, and that is said.
  await host.sh('cd /etc/systemd/system; ln -s frr.service alias.service; ln -s /dev/null masked.service');
  await host.write(
    '/etc/holdfast/agent.yaml',
    CONFIGURATION.replace('frr.service', 'no.service, alias.service, masked.service'),
  );
  const looked = await host.agent('probe', 'memory-errors.journal', '--json');
  const { error } = JSON.parse(looked.stdout).probes[0];
  assert.equal(looked.code, 4);
  for (const why of ['no unit no.service:', 'alias.service is an alias of frr.service,', 'masked.service is masked:'])
    assert.ok(error.includes(why), error);
});
