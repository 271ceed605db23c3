/** Receivers that are not ours, as packaging/ configures them, on free ports of loopback and in a folder of their own. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { DesiredReport } from '../../../agent/config/desired-daemon.ts';
import { REPOSITORY } from '../repository.ts';
import { freePorts, Program, temporaryFolder } from './wire-program.ts';

const QUICK = { initial_interval: '200ms', max_interval: '1s' };

export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch, oldest first. */
  readonly points: readonly (readonly [time: number, value: number])[];
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

  /** `prometheus` gets OTLP. `remote`, if any, gets the remote write; a file then also has all metrics. */
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

  /** The configuration with which an agent reaches it. */
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

function makeCertificates(folder: string): void {
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const files = ['-keyout', join(folder, 'server.key'), '-out', join(folder, 'server.crt')];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', ['req', '-x509', '-days', '1', ...key, ...files, ...subject], { stdio: 'pipe' });
}
