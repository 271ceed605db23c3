/** The agent's reporter killed with -9 again and again, the collector away and back meanwhile. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { type Answer, accept, Receiver, refuse } from '../parts/otlp-receiver.ts';
import { reporting } from '../parts/report-scene.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { scratch } from '../parts/scratch.ts';

test('report: every event arrives in order, and once by its record id, although the reporter is killed', async (t) => {
  const spoolFolder = scratch(t);
  let requests = 0;
  // Down, up, answering and yet not heard, in turns.
  const moody: Answer = (request, response, raw) => {
    const mood = Math.floor(requests++ / 5) % 3;
    if (mood === 0) return refuse(503)(request, response, raw);
    if (mood === 1) accepted.push(request);
    if (mood === 2) {
      accepted.push(request); // kept by the collector, but the agent never learns of it
      return void response.destroy();
    }
    accept(request, response, raw);
  };
  const accepted: { path: string }[] = [];
  const receiver = await Receiver.start(t, { answer: moody });
  const program = `
    import { writeSync } from 'node:fs';
    import { Reporter } from '${REPOSITORY}/agent/report/reporter.ts';
    import { DESIRED, IDENTITY, IMPATIENT, event } from '${REPOSITORY}/test/parts/report-scene.ts';
    const reporter = new Reporter({ desired: { ...DESIRED, endpoint: '${receiver.url}' }, identity: IDENTITY,
      spoolFolder: '${spoolFolder}', log() {}, timing: IMPATIENT });
    reporter.start();
    let n = Number(process.argv.at(-1));
    setInterval(() => { reporter.heartbeat([], [event(n)]); writeSync(1, n++ + '\\n'); }, 1);`;
  let next = 1;
  const told: number[] = [];
  for (let run = 0; run < 5; run++) {
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program, String(next)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    for await (const chunk of child.stdout) {
      output += chunk;
      if (output.split('\n').length > 100 + run * 37) child.kill('SIGKILL');
    }
    told.push(...output.split('\n').slice(0, -1).map(Number));
    // One more record may be kept than was printed, if the kill came between the two.
    next = told.at(-1)! + 2;
  }
  receiver.answer = (request, response, raw) => {
    accepted.push(request);
    accept(request, response, raw);
  };
  const { reporter } = reporting(t, receiver.url, { spoolFolder });
  await reporter.stop(60_000);
  const all = receiver.requests.filter((request) => accepted.includes(request));
  receiver.requests.splice(0, receiver.requests.length, ...all);
  const first = new Map<unknown, number>();
  for (const { attributes } of receiver.logs()) {
    const { n, 'holdfast.record.id': id } = attributes;
    if (!first.has(id)) first.set(id, Number(n));
  }
  const arrived = [...first.values()];
  assert.deepEqual(
    arrived.filter((n) => told.includes(n)),
    told,
  );
  assert.ok(arrived.length <= told.length + 5, 'nothing twice under another id');
  assert.deepEqual(
    arrived,
    [...arrived].sort((a, b) => a - b),
  );
});
