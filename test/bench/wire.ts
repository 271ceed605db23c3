/**
 * `node test/bench/wire.ts [HOSTS [BEATS]]`: what a heartbeat costs receivers that are not ours, as packaging/ configures them: a
 * real OpenTelemetry Collector (TLS, token, queue on disk) and the Prometheus behind it. Each host's
 * first beat begins its series and is told apart. `npm run wire` builds them. The senders run on the same cores, so the rate is a lower bound; what counts for sizing is the CPU time.
 */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { metrics } from '../../agent/report/otlp-encoding.ts';
import { missing } from '../../packaging/receivers/build.ts';
import { Collector, Prometheus } from '../parts/lab/wire.ts';
import { freePorts, temporaryFolder, until } from '../parts/lab/wire-program.ts';
import { everySample } from '../parts/lab/wire-samples.ts';
import { cpuSeconds } from './cpu-time.ts';

const CONNECTIONS = 64;

const reason = missing('otelcol-holdfast', 'prometheus');
if (reason) console.log(`wire: skipped: ${reason}`);
else await measure(Number(process.argv[2] ?? 1000), Number(process.argv[3] ?? 5));

async function measure(hosts: number, beats: number): Promise<void> {
  const folder = temporaryFolder();
  const [a, b, c] = await freePorts(3);
  const prometheus = new Prometheus(join(folder, 'prometheus'), a!);
  const collector = new Collector(join(folder, 'collector'), [b!, c!], prometheus, null);
  await Promise.all([prometheus.start(), collector.start()]);
  const { endpoint, ca, tokenFile } = collector.report();
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS, ca: readFileSync(ca!) });
  const authorization = `Bearer ${readFileSync(tokenFile!, 'utf8').trim()}`;
  const programs = { collector: collector.pid, prometheus: prometheus.pid };
  console.log(`${everySample().length + 1} values in a heartbeat, ${gzipSync(heartbeat(1, 1)).length} bytes with gzip`);

  for (let beat = 1; beat <= beats; beat++) {
    const bodies = Array.from({ length: hosts }, (_, n) => gzipSync(heartbeat(n, beat)));
    const before = Object.values(programs).map(cpu);
    const started = performance.now();
    let next = 0;
    const lane = async () => {
      for (let n = next++; n < hosts; n = next++)
        await post(`${endpoint}/v1/metrics`, bodies[n]!, agent, authorization);
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, lane));
    const rate = Math.round((hosts / (performance.now() - started)) * 1000);
    await until('all hosts in Prometheus', async () => {
      const { result } = await prometheus.query(`count(holdfast_heartbeat_sequence_total == ${beat})`);
      const count = (result as unknown as { value: [number, string] }[])[0]?.value[1];
      return Number(count) === hosts || null;
    });
    const costs = Object.entries(programs).map(([name, pid], n) => {
      const spent = ((cpu(pid) - before[n]!) / hosts) * 1000;
      return `${name} ${spent.toFixed(2)} s of CPU for 1,000, ${resident(pid)} MiB resident`;
    });
    console.log(
      `beat ${beat} of ${hosts} hosts: ${rate} a second acknowledged, all in Prometheus; ${costs.join('; ')}`,
    );
  }
  agent.destroy();
  await Promise.all([collector.stop(), prometheus.stop()]);
}

function heartbeat(host: number, beat: number): Uint8Array {
  const time = Date.now();
  const id = host.toString(16).padStart(32, '0');
  const resource = {
    'service.name': 'holdfast',
    'service.version': '1.2.3',
    'service.instance.id': id,
    'host.name': `host-${host}.example.com`,
    'host.id': id,
    'holdfast.config.hash': 'abc',
  };
  const sequence = { kind: 'sample', metric: 'holdfast.heartbeat.sequence', value: beat, attributes: {} } as const;
  const samples = [...everySample(), sequence];
  return metrics.encode([{ time, start: time, sequence: beat, samples, resource }], 'protobuf');
}

function post(url: string, body: Uint8Array, agent: Agent, authorization: string): Promise<void> {
  const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip', authorization };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers }, (answer) => {
      answer.resume();
      answer.on('end', () =>
        answer.statusCode === 200 ? resolve() : reject(new Error(`answer ${answer.statusCode}`)),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** In seconds. */
function cpu(pid: number): number {
  return cpuSeconds(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

function resident(pid: number): number {
  const [, kib] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kib) / 1024);
}
