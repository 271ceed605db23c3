/** Receivers that are not ours, as packaging/ configures them, on free ports of loopback and in a folder of their own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import type { DesiredReport } from '../../agent/config/daemon.ts';
import { built, type Receiver } from '../../packaging/receivers/build.ts';
import { REPOSITORY } from './host.ts';

/** Far longer than anything here takes. */
const PATIENCE_MS = 60_000;

const QUICK = { initial_interval: '200ms', max_interval: '1s' };

export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch, oldest first. */
  readonly points: readonly (readonly [time: number, value: number])[];
}

class Program {
  readonly #receiver: Receiver;
  readonly #args: readonly string[];
  #child: ChildProcess | null = null;
  #output = '';

  constructor(receiver: Receiver, args: readonly string[]) {
    this.#receiver = receiver;
    this.#args = args;
  }

  /** Until `url` answers 200. */
  async start(url: string): Promise<void> {
    this.#output = '';
    // It must not outlive this process, of whatever that dies.
    const command = ['--pdeathsig', 'KILL', built(this.#receiver)!, ...this.#args];
    const child = spawn('setpriv', command, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (this.#output += chunk));
    await until(`${this.#receiver} at ${url}`, async () => {
      if (child.exitCode !== null) throw new Error(`${this.#receiver} ended:\n${this.#output}`);
      return (await fetch(url).catch(() => null))?.ok || null;
    });
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }
}

/** With packaging/prometheus, its rules looked at each second, taking OTLP and remote write. */
export class Prometheus {
  readonly url: string;
  readonly #program: Program;

  constructor(folder: string, port: number) {
    this.url = `http://127.0.0.1:${port}`;
    mkdirSync(folder);
    const shipped = join(REPOSITORY, 'packaging/prometheus');
    cpSync(join(shipped, 'holdfast.rules.yml'), join(folder, 'holdfast.rules.yml'));
    const config = readFileSync(join(shipped, 'prometheus.yml'), 'utf8');
    writeFileSync(
      join(folder, 'prometheus.yml'),
      config.replace('evaluation_interval: 30s', 'evaluation_interval: 1s'),
    );
    this.#program = new Program('prometheus', [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-otlp-receiver',
      '--web.enable-remote-write-receiver',
    ]);
  }

  start(): Promise<void> {
    return this.#program.start(`${this.url}/-/ready`);
  }

  stop(): Promise<void> {
    return this.#program.stop();
  }

  get pid(): number {
    return this.#program.pid;
  }

  /** Every sample of the last hour as it was stored, by `selector`. */
  async series(selector: string): Promise<Series[]> {
    const { result } = await this.query(`${selector}[1h]`);
    return result.map(({ metric, values = [] }) => ({
      labels: metric,
      points: values.map(([time, value]) => [Math.round(time * 1000), Number(value)] as const),
    }));
  }

  /** Throws where Prometheus refuses the expression. */
  async query(
    expression: string,
  ): Promise<{ result: { metric: Record<string, string>; values?: [number, string][] }[] }> {
    const answer = await fetch(`${this.url}/api/v1/query`, {
      method: 'POST',
      body: new URLSearchParams({ query: expression }),
    });
    const body = (await answer.json()) as { status: string; error?: string; data: { result: [] } };
    if (body.status !== 'success') throw new Error(`${expression}\n${body.error}`);
    return body.data;
  }
}

/** With packaging/otelcol/config.yaml; only addresses and paths are the lab's. */
export class Collector {
  readonly #folder: string;
  readonly #health: string;
  readonly #program: Program;
  readonly #port: number;

  /** `prometheus` is sent OTLP. `remote`, if any, is sent the remote write, and then a file has all metrics, too. */
  constructor(
    folder: string,
    [port, health]: readonly [number, number],
    prometheus: Prometheus,
    remote: Prometheus | null,
  ) {
    this.#folder = folder;
    this.#port = port;
    this.#health = `127.0.0.1:${health}`;
    mkdirSync(folder);
    makeCertificates(folder);
    writeFileSync(join(folder, 'tokens'), 'another-token\nthe-token\n');
    writeFileSync(join(folder, 'token'), 'the-token\n');
    writeFileSync(join(folder, 'lab.yaml'), stringify(this.#override(prometheus)));
    writeFileSync(join(folder, 'more.yaml'), stringify(remote === null ? {} : this.#more(remote)));
    const configs = [
      join(REPOSITORY, 'packaging/otelcol/config.yaml'),
      join(folder, 'lab.yaml'),
      join(folder, 'more.yaml'),
    ];
    this.#program = new Program(
      'otelcol-holdfast',
      configs.map((file) => `--config=${file}`),
    );
  }

  /** What an agent is told to reach it. */
  report(tokenFile = join(this.#folder, 'token')): DesiredReport {
    return {
      enforce: true,
      interval: 30_000,
      endpoint: `https://localhost:${this.#port}`,
      format: 'protobuf',
      spool: 64 * 1024 * 1024,
      ca: join(this.#folder, 'server.crt'),
      certificate: null,
      key: null,
      tokenFile,
      labels: {},
    };
  }

  start(): Promise<void> {
    return this.#program.start(`http://${this.#health}/`);
  }

  stop(signal?: NodeJS.Signals): Promise<void> {
    return this.#program.stop(signal);
  }

  get pid(): number {
    return this.#program.pid;
  }

  /** What it wrote to a file, one request a line, in OTLP's JSON. */
  received(file: 'metrics.json' | 'events.json'): unknown[] {
    const lines = readFileSync(join(this.#folder, file), 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line));
  }

  #override(prometheus: Prometheus): object {
    const path = (name: string) => join(this.#folder, name);
    const http = {
      endpoint: `127.0.0.1:${this.#port}`,
      tls: { cert_file: path('server.crt'), key_file: path('server.key') },
    };
    return {
      extensions: {
        health_check: { endpoint: this.#health },
        bearertokenauth: { filename: path('tokens') },
        file_storage: { directory: path('queue') },
      },
      receivers: { otlp: { protocols: { http } } },
      exporters: {
        'otlp_http/metrics': { endpoint: `${prometheus.url}/api/v1/otlp`, retry_on_failure: QUICK },
        'file/events': { path: path('events.json') },
      },
    };
  }

  #more(remote: Prometheus): object {
    return {
      exporters: {
        prometheus_remote_write: { endpoint: `${remote.url}/api/v1/write`, retry_on_failure: QUICK },
        'file/metrics': { path: join(this.#folder, 'metrics.json') },
      },
      service: {
        pipelines: {
          'metrics/remote': {
            receivers: ['otlp'],
            processors: ['memory_limiter', 'resource/identity'],
            exporters: ['prometheus_remote_write'],
          },
          'metrics/file': { receivers: ['otlp'], exporters: ['file/metrics'] },
        },
      },
    };
  }
}

export interface Wire extends AsyncDisposable {
  readonly folder: string;
  readonly collector: Collector;
  /** What the collector sends OTLP to, and what it sends remote write to. */
  readonly prometheus: Prometheus;
  readonly remote: Prometheus;
}

/** Removed at the end of this process, also when a signal ends it. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-wire-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
  return folder;
}

/** A collector and two Prometheus, running. */
export async function layWire(): Promise<Wire> {
  const folder = temporaryFolder();
  const [a, b, c, d] = await freePorts(4);
  const prometheus = new Prometheus(join(folder, 'prometheus'), a!);
  const remote = new Prometheus(join(folder, 'remote'), b!);
  const collector = new Collector(join(folder, 'collector'), [c!, d!], prometheus, remote);
  const close = async () => {
    await Promise.all([collector.stop(), prometheus.stop(), remote.stop()]);
  };
  try {
    await Promise.all([prometheus.start(), remote.start(), collector.start()]);
  } catch (error) {
    await close();
    throw error;
  }
  return { folder, collector, prometheus, remote, [Symbol.asyncDispose]: close };
}

/** Asks again until there is an answer; throws, and says of what, where none comes. */
export async function until<T>(what: string, ask: () => Promise<T | null>): Promise<T> {
  for (const deadline = Date.now() + PATIENCE_MS; ; ) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await sleep(100);
  }
}

function makeCertificates(folder: string): void {
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const files = ['-keyout', join(folder, 'server.key'), '-out', join(folder, 'server.crt')];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', ['req', '-x509', '-days', '1', ...key, ...files, ...subject], { stdio: 'pipe' });
}

/** Held all at once, so that they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
