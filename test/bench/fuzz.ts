/**
 * The collector under hostile requests: it stays up, its memory stays bounded, and all that an honest sender beside them was told is
 * stored is there after each restart, of which every second one is a kill -9. Nobody else ends what it depends on. `node test/bench/fuzz.ts [REQUESTS [SEED]]`.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostEvent, RetireAnswer, SeriesAnswer } from '../../agent/collector/api.ts';
import { addressValue } from '../../agent/collector/dependences/address-value.ts';
import type { Dependence } from '../../agent/depends/dependence.ts';
import { dependences, event, get, heartbeat } from '../parts/collector-wire.ts';
import { Log } from '../parts/lab/log.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { fuzzBatches } from './fuzz-batches.ts';
import { RETIRED } from './fuzz-dependences.ts';
import { type FuzzRequest, HONEST } from './fuzz-requests.ts';

export interface FuzzJob {
  readonly requests: number;
  /** Requests from one restart to the next. */
  readonly restartEvery: number;
  readonly seed: number;
  /** The folder of the collector's database. */
  readonly data: string;
  /** In the notation of `--max-size`. */
  readonly maxSize: string;
}

export interface FuzzResult {
  readonly sent: number;
  readonly answers: ReadonlyMap<number, number>;
  /** Heartbeats and events of the honest sender that were acknowledged, and found. */
  readonly honest: number;
  /** MiB resident, the most of all runs. */
  readonly peak: number;
}

/** Requests under way at a time, and hostile ones for each honest pair. */
const AT_ONCE = 64;
const HONEST_EVERY = 50;
/** The honest sender's beats are so far apart by its clock: milliseconds. */
const STEP = 10;

/** Throws if the collector ends by itself, answers 5xx, or has lost something. `told` of each restart. */
export async function fuzz(job: FuzzJob, told: (line: string) => void = () => {}): Promise<FuzzResult> {
  const answers = new Map<number, number>();
  const start = Date.now() - 3_600_000;
  const began = performance.now();
  await using batches = fuzzBatches(job.seed);
  const honest = { beats: [] as number[], events: [] as string[] };
  let [sent, peak, sequence] = [0, 0, 0];
  for (let round = 0; sent < job.requests; round += 1) {
    using run = await begin(job);
    await check(run.url, start, honest);
    const honestPair = async () => {
      sequence += 1;
      const [beat, id] = [sequence, `r-${sequence}`];
      const body = heartbeat({ host: HONEST.name, time: start + beat * STEP, sequence: beat, routes: beat });
      const headers = { 'content-type': 'application/x-protobuf' };
      const from = '127.0.0.2';
      if ((await post(run, { path: '/v1/metrics', headers, body: new Uint8Array(body) }, from)) === 200)
        honest.beats.push(beat);
      const record = new Uint8Array(event(HONEST.name, id, { body: id, time: start + beat * STEP }));
      if ((await post(run, { path: '/v1/logs', headers, body: record }, from)) === 200) honest.events.push(id);
    };
    await honestPair();
    await tell(run);
    const end = Math.min(job.requests, sent + job.restartEvery);
    while (sent < end) {
      const { seed, requests } = await batches.next();
      const batch = requests.slice(0, end - sent);
      let next = 0;
      const worker = async () => {
        while (next < batch.length) {
          const index = next++;
          const status = await post(run, batch[index]!, `127.0.0.${3 + (index % 5)}`);
          answers.set(status, (answers.get(status) ?? 0) + 1);
          assert.ok(status < 500, `answered ${status} to request ${index} of seed ${seed}`);
          if (index % HONEST_EVERY === 0) await honestPair();
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      sent += batch.length;
    }
    const texts = await Promise.all(
      ['/metrics', '/api/v1/summary', '/api/v1/hosts', '/healthz'].map((path) => fetch(run.url + path)),
    );
    for (const answer of texts) {
      assert.equal(answer.status, 200);
      await answer.arrayBuffer();
    }
    await depends(run.url);
    const memory = residentMost(run.child.pid!);
    peak = Math.max(peak, memory);
    assert.equal(run.child.exitCode, null);
    run.agent.destroy();
    run.child.kill(round % 2 === 0 ? 'SIGKILL' : 'SIGTERM');
    await once(run.child, 'exit');
    const seconds = (performance.now() - began) / 1_000;
    const records = honest.beats.length + honest.events.length;
    told(
      `${sent} requests, ${(sent / seconds).toFixed(0)} a second, ${records} honest records, ${memory.toFixed(0)} MiB at most`,
    );
  }
  using last = await begin(job);
  await check(last.url, start, honest, 0);
  last.child.kill('SIGTERM');
  assert.deepEqual(await once(last.child, 'exit'), [0, null]);
  return { sent, answers, honest: honest.beats.length + honest.events.length, peak };
}

interface Run extends Disposable {
  readonly child: ChildProcess;
  readonly url: string;
  readonly agent: Agent;
}

async function begin({ data, maxSize }: FuzzJob): Promise<Run> {
  const options = ['collector', '--listen', '127.0.0.1:0', '--data', data, '--max-size', maxSize];
  const child = spawn(process.execPath, [join(REPOSITORY, 'agent/cli.ts'), ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stderr!.pipe(process.stderr);
  const complaints = new Log(child.stderr!);
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
  const line = await new Log(child.stdout!).until(/listens on/);
  // A kill -9 damages nothing.
  assert.equal(complaints.count(/left out|damaged/), 0);
  return {
    child,
    url: line.replace(/.* on /, '').trim(),
    agent: new Agent({ keepAlive: true }),
    // A collector that outlives a failed run keeps the test's process from ending.
    [Symbol.dispose]: end,
  };
}

/** Sends again after a lost connection, like an agent, but not to a collector that has ended. */
async function post(run: Run, sent: FuzzRequest, localAddress: string): Promise<number> {
  for (;;) {
    try {
      return await postOnce(run, sent, localAddress);
    } catch (error) {
      const lost = (error as NodeJS.ErrnoException).code === 'ECONNRESET';
      if (!lost || run.child.exitCode !== null || run.child.signalCode !== null) throw error;
    }
  }
}

function postOnce({ url, agent }: Run, { path, headers, body }: FuzzRequest, localAddress: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(`${url}${path}`, { method: 'POST', agent, localAddress, headers }, (response) => {
      response.once('error', reject);
      response.resume().once('end', () => resolve(response.statusCode!));
    });
    asked.once('error', reject);
    asked.end(body);
  });
}

/** The heartbeats and events that the honest sender was told are stored; the newest ones, or all with `newest` 0. */
async function check(
  url: string,
  start: number,
  { beats, events }: { beats: number[]; events: string[] },
  newest = 1_000,
) {
  if (beats.length === 0) return;
  const path = `${url}/api/v1/hosts/${HONEST.id}`;
  const wantedBeats = newest === 0 ? beats : beats.slice(-newest);
  const wantedEvents = new Set(newest === 0 ? events : events.slice(-newest));
  const stored = new Map<number, number>();
  const [first, last] = [Math.min(...wantedBeats.slice(0, 100)), Math.max(...wantedBeats.slice(-100))];
  for (let from = Math.max(0, first - 200); from <= last + 200; from += 4_000) {
    const window = `from=${start + from * STEP}&to=${start + (from + 4_000) * STEP - 1}`;
    const answer: SeriesAnswer = await get(
      `${path}/series?metric=system.network.route.count&${window}&points=5000`,
      '',
    );
    const ipv4 = answer.series.find(({ attributes }) => attributes['network.type'] === 'ipv4');
    for (const [time, value] of ipv4?.points ?? []) stored.set(time, value);
  }
  for (const beat of wantedBeats) assert.equal(stored.get(start + beat * STEP), beat, `heartbeat ${beat} is there`);
  let place = '';
  while (wantedEvents.size > 0) {
    const page: HostEvent[] = await get(`${path}/events?limit=1000${place}`, '');
    assert.ok(page.length > 0, `${wantedEvents.size} events are there`);
    for (const { body } of page) wantedEvents.delete(body);
    place = `&before=${page.at(-1)!.time}&beforeId=${page.at(-1)!.id}`;
  }
}

/** The honest sender tells that it depends on RETIRED. */
async function tell(run: Run): Promise<void> {
  const body = new Uint8Array(dependences(HONEST.name, { found: [DEPENDENCE] }));
  const headers = { 'content-type': 'application/x-protobuf' };
  assert.equal(await post(run, { path: '/v1/logs', headers, body }, '127.0.0.2'), 200);
}

/** However many others told in its name that it depends on nothing, the verdict still names it. */
async function depends(url: string): Promise<void> {
  const { verdict, dependents }: RetireAnswer = await get(url, `/api/v1/retire?address=${RETIRED}&limit=10000`);
  assert.equal(verdict, 'not-safe');
  const found = dependents.hosts.find(({ id }) => id === HONEST.id)?.dependences;
  const { address: _, ...wanted } = DEPENDENCE;
  assert.deepEqual(found, [wanted]);
}

const DEPENDENCE: Dependence = {
  address: addressValue(RETIRED)!,
  tense: 'lease',
  source: 'leases',
  who: 'dhclient[812] on eth0',
  where: '/var/lib/dhcp/dhclient.leases',
  reason: 'the DHCP server offers it as a name server',
  cure: 'agent apply',
};

/** MiB, of its whole life. */
function residentMost(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

if (import.meta.main) {
  const data = mkdtempSync(join(tmpdir(), 'holdfast-fuzz-'));
  process.once('exit', () => rmSync(data, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const [requests = '1000000', seed = '1'] = process.argv.slice(2);
  const job = { requests: Number(requests), restartEvery: 10_000, seed: Number(seed), data, maxSize: '512MiB' };
  const { sent, answers, honest, peak } = await fuzz(job, console.log);
  console.log(`${sent} requests, answered ${[...answers].map(([status, count]) => `${status}: ${count}`).join(', ')}`);
  console.log(`all ${honest} acknowledged records of the honest sender are there; ${peak.toFixed(0)} MiB at most`);
}
