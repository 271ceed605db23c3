/** What the collector bears on this machine: heartbeats a second, their answers' times, processor, memory and disk, and that nothing is lost. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import type { SeriesAnswer } from '../../agent/collector/api.ts';
import { Log } from '../parts/lab/log.ts';
import { REPOSITORY } from '../parts/repository.ts';
import type { LoadJob, LoadResult } from './load.ts';

const AGENT = join(REPOSITORY, 'dist/agent');
const AIM = { hosts: 100_000, rate: 3_400 };
const DAY = 86_400_000;
/** Ticks of /proc/PID/stat in a second (sysconf(_SC_CLK_TCK)). */
const TICKS = 100;

/** Needs dist/agent. Prints a Markdown table. */
export async function benchCollector(): Promise<void> {
  console.log(
    '\n### Collector\n\n| | heartbeats/s | p50 ms | p99 ms | p99, new hosts | sender late by | core | peak MB | |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
  );
  await inFolder(async (data) => {
    await measure(data, 'as fast as it answers', { hosts: 5_000, beats: 8, connections: 500, rate: null });
  });
  await inFolder(async (data) => {
    const { hosts, rate } = AIM;
    await measure(data, 'a fleet of 100,000 at 30 s', { hosts, beats: 4, connections: 2_000, rate });
    await nothingLost(data, hosts, 4);
  });
  await inFolder(oneDay);
}

type Load = Omit<LoadJob, 'port' | 'start' | 'interval'>;

/** Ends the collector with kill -9. It must still have all that it acknowledged. */
async function measure(data: string, name: string, job: Load): Promise<void> {
  const { child, port } = await start(data);
  const before = usage(child.pid!);
  const result = await load({ ...job, port, start: Date.now() - 300_000, interval: 30_000 });
  const after = usage(child.pid!);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(result.failed, 0);
  const cells = [
    name,
    (result.acknowledged / result.seconds).toFixed(0),
    result.later.p50.toFixed(1),
    result.later.p99.toFixed(1),
    result.first.p99.toFixed(1),
    result.lag.toFixed(1),
    `${(((after.ticks - before.ticks) / TICKS / result.seconds) * 100).toFixed(0)} %`,
    after.peak.toFixed(0),
    `${job.hosts} hosts, ${result.bytes} bytes each, ${result.packed} packed`,
  ];
  console.log(`| ${cells.join(' | ')} |`);
}

async function nothingLost(data: string, hosts: number, beats: number): Promise<void> {
  const began = performance.now();
  const { child, port } = await start(data);
  const seconds = (performance.now() - began) / 1000;
  for (let host = 0; host < hosts; host += 97) {
    const path = `hosts/${host.toString(16).padStart(32, '0')}/series?metric=holdfast.heartbeat.sequence`;
    const answer = (await (await fetch(`http://127.0.0.1:${port}/api/v1/${path}`)).json()) as SeriesAnswer;
    assert.equal(answer.series[0]?.points.length, beats);
  }
  child.kill('SIGTERM');
  await once(child, 'exit');
  console.log(
    `\nKilled with -9: all that was acknowledged is there; up again with ${hosts} hosts in ${seconds.toFixed(1)} s.`,
  );
}

/** A day of some hosts, as it is on disk in the end. */
async function oneDay(data: string): Promise<void> {
  const hosts = 20;
  const beats = DAY / 30_000;
  const { child, port } = await start(data);
  await load({ hosts, beats, connections: hosts, rate: null, port, start: Date.now() - DAY, interval: 30_000 });
  child.kill('SIGTERM');
  await once(child, 'exit');
  const database = new DatabaseSync(join(data, 'collector.db'), { readOnly: true });
  // The row's other columns, its two keys and the index take 50 bytes.
  const sql = 'SELECT sum(length(frames) + 50) AS bytes FROM chunks';
  const { bytes } = database.prepare(sql).get() as { bytes: number };
  database.close();
  console.log(`On disk: ${(bytes / hosts / 1024).toFixed(0)} KiB a host and day.`);
}

async function start(data: string): Promise<{ child: ChildProcess; port: number }> {
  const child = spawn(AGENT, ['collector', '--listen', '127.0.0.1:0', '--data', data], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.once('exit', () => child.kill('SIGKILL'));
  const line = await new Log(child.stdout!).until(/listens on .*:\d+/);
  return { child, port: Number(/:(\d+)\s*$/.exec(line)![1]) };
}

async function load(job: LoadJob): Promise<LoadResult> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'load.ts')], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(job));
  return JSON.parse(await text(child.stdout)) as LoadResult;
}

function usage(pid: number): { ticks: number; peak: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  const peak = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { ticks: Number(stat[11]) + Number(stat[12]), peak: Number(peak) / 1024 };
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  try {
    await work(folder);
  } finally {
    process.off('exit', remove);
    remove();
  }
}

// Ended by a signal it takes its collector and its folder along too.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

if (import.meta.main) await benchCollector();
