/** A disk that is really full: a file system of 4 MiB in a mount namespace of its own, and ballast in it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { HostEvent, SeriesAnswer } from '../../agent/collector/api.ts';
import { event, get, heartbeat, send } from '../parts/collector-wire.ts';
import { Log } from '../parts/lab/log.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { noNamespaces, scratch } from '../parts/scratch.ts';

test('collector disk: on a full disk it answers 503 with a time, loses nothing acknowledged, and goes on once there is room', {
  skip: noNamespaces('unshare', 'nsenter'),
  timeout: 240_000,
}, async (t) => {
  const disk = await smallDisk(t);
  const { child, url } = await start(t, disk);
  const began = Date.now() - 3_600_000;
  const acknowledged = { beats: [] as number[], events: [] as string[] };
  const asked = Array.from({ length: 400 }, (_, n) => ({ number: n, time: began + n * 1000 }));
  const beat = async ({ number, time }: (typeof asked)[number]) => {
    const answer = await send(url, heartbeat({ time, sequence: number, routes: number }));
    if (answer.status === 200) acknowledged.beats.push(number);
    return answer;
  };
  const tell = async (number: number) => {
    const body = `${number} ${'x'.repeat(4_000)}`;
    const answer = await send(url, event('edge-1', `r-${number}`, { body }), { signal: 'logs' });
    if (answer.status === 200) acknowledged.events.push(`${number}`);
    return answer;
  };
  for (const one of asked.slice(0, 50)) assert.equal((await beat(one)).status, 200);

  const ballast = join(disk.seen, 'ballast');
  const { bavail, bsize } = statfsSync(disk.seen);
  writeFileSync(ballast, Buffer.alloc(bavail * bsize - 128 * 1024));
  let refused: Response | undefined;
  for (const one of asked.slice(50, 250)) {
    const answers = [await beat(one), await tell(one.number)];
    refused = answers.find(({ status }) => status !== 200);
    if (refused !== undefined) break;
  }
  assert.equal(refused?.status, 503);
  assert.ok(Number(refused?.headers.get('retry-after')) > 0);
  // It refuses while there is no room, keeps nothing of what it refuses in memory, and still shows what it has.
  for (const one of asked.slice(250, 300)) assert.equal((await beat(one)).status, 503);
  assert.equal((await get(url, '/api/v1/hosts')).total, 1);
  // It says so itself, and does not take the host for dead.
  const health = await fetch(`${url}/healthz`);
  assert.equal(health.status, 503);
  assert.match(await health.text(), /"trouble".*can be stored.*full/);
  assert.equal((await get(url, '/api/v1/hosts')).hosts[0].silent, false);

  rmSync(ballast);
  for (const one of asked.slice(300)) {
    // Sends a refused heartbeat again, like an agent.
    while ((await beat(one)).status !== 200) await new Promise((resolve) => setTimeout(resolve, 100));
  }
  while ((await tell(1_000)).status !== 200) await new Promise((resolve) => setTimeout(resolve, 100));
  child.kill('SIGKILL');
  await once(child, 'exit');
  const again = await start(t, disk);
  const path = '/api/v1/hosts/id-of-edge-1';
  const query = `metric=system.network.route.count&from=${began}&points=5000`;
  const { series }: SeriesAnswer = await get(again.url, `${path}/series?${query}`);
  const stored = new Map(series.find(({ attributes }) => attributes['network.type'] === 'ipv4')!.points);
  assert.ok(acknowledged.beats.length >= 150);
  for (const number of acknowledged.beats) assert.equal(stored.get(began + number * 1000), number);
  const events: HostEvent[] = await get(again.url, `${path}/events?limit=1000`);
  const bodies = events.map(({ body }) => body.split(' ')[0]!);
  for (const body of acknowledged.events) assert.equal(bodies.filter((each) => each === body).length, 1);
  again.child.kill('SIGTERM');
  assert.deepEqual(await once(again.child, 'exit'), [0, null]);
});

interface Disk {
  /** A process whose mount namespace has the disk. */
  readonly pid: number;
  /** The disk's folder in that namespace, and the path by which we see it. */
  readonly folder: string;
  readonly seen: string;
}

/** Goes away with its holder, which ends when its input does: with this process at the latest. */
async function smallDisk(t: TestContext): Promise<Disk> {
  const folder = scratch(t);
  const script = `mount -t tmpfs -o size=4m,mode=700 none ${folder} && echo mounted && exec cat`;
  const holder = spawn('unshare', ['--mount', 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => holder.kill('SIGKILL'));
  await new Log(holder.stdout!).until(/mounted/);
  return { pid: holder.pid!, folder, seen: `/proc/${holder.pid}/root${folder}` };
}

async function start(t: TestContext, { pid, folder }: Disk): Promise<{ child: ChildProcess; url: string }> {
  const collector = [join(REPOSITORY, 'agent/cli.ts'), 'collector', '--listen', '127.0.0.1:0', '--data', folder];
  const child = spawn('nsenter', ['-m', '-t', `${pid}`, process.execPath, ...collector], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  // The collector must complain here. This test does not look for other complaints.
  child.stderr!.resume();
  const line = await new Log(child.stdout!).until(/listens on/);
  return { child, url: line.replace(/.* on /, '').trim() };
}
