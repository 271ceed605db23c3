/** Requests of commands to a collector's API, by --collector or by the configuration's `report`. */
import { fileError } from '../../config/config-error.ts';
import { loadConfig } from '../../config/load.ts';
import { Host } from '../../host/host.ts';
import { type CredentialNames, Credentials } from '../../report/delivery/credentials.ts';
import { Client, type Sent } from '../../report/delivery/http-client.ts';
import type { CommonOptions } from '../common-options.ts';
import { configFile } from '../context/context.ts';
import { ConfigFailure } from '../output/output.ts';
import { noAnswer } from './no-answer.ts';

export interface AskCollectorOptions extends CommonOptions {
  readonly collector?: string;
  readonly tokenFile?: string;
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
}

/** An answer outside 200 to 299, with a sentence of the collector. */
export class CollectorRefusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'CollectorRefusal';
    this.status = status;
  }
}

/** Milliseconds until the collector must have answered. */
const PATIENCE = 30_000;
/** Bytes of an answer about a large fleet. */
const LARGEST = 64 * 1024 * 1024;

export class CollectorApi {
  readonly endpoint: string;
  readonly #client: Client;

  private constructor(endpoint: string, names: CredentialNames) {
    this.endpoint = endpoint;
    this.#client = new Client(endpoint, names, new Credentials());
  }

  /** Throws if no collector is known, or if the configuration cannot be read. */
  static async open(options: AskCollectorOptions): Promise<CollectorApi> {
    if (options.collector !== undefined) {
      const { tokenFile = null, ca = null, certificate = null, key = null } = options;
      return new CollectorApi(endpointIn(options.collector), { tokenFile, ca, certificate, key });
    }
    const alone = (['tokenFile', 'ca', 'certificate', 'key'] as const).some((name) => options[name] !== undefined);
    if (alone)
      throw new ConfigFailure([fileError('', '--token-file, --ca, --certificate and --key need --collector URL')]);
    const asRoot = process.geteuid?.() === 0;
    const loaded = await loadConfig({ files: new Host(), file: configFile(options), optional: true, asRoot });
    if (!loaded.ok) throw new ConfigFailure(loaded.errors);
    const { endpoint, ...names } = loaded.daemon.report;
    if (endpoint === null) {
      throw new ConfigFailure([
        fileError('', 'no collector is known: give --collector URL, or configure report.endpoint'),
      ]);
    }
    return new CollectorApi(endpoint, names);
  }

  /** Sends a request and returns the JSON of its answer. Throws CollectorRefusal, or the reason why no answer came. */
  async ask<T>(method: Sent['method'], path: string): Promise<T> {
    try {
      const signal = AbortSignal.timeout(PATIENCE);
      const reply = await this.#client.send({ method, path, largest: LARGEST }, signal);
      const content = json(reply.body);
      if (reply.status >= 200 && reply.status < 300 && content !== null) return content as T;
      throw new CollectorRefusal(reply.status, this.#sentence(reply.status, content));
    } catch (error) {
      if (error instanceof CollectorRefusal) throw error;
      throw new Error(noAnswer(this.endpoint, error as Error, PATIENCE), { cause: error });
    } finally {
      this.#client.close();
    }
  }

  #sentence(status: number, content: unknown): string {
    if (status === 401) return `${this.endpoint} asks for a token: give --token-file FILE`;
    const { error } = (content ?? {}) as { error?: unknown };
    if (typeof error === 'string') return `${this.endpoint} refused: ${error}`;
    return `${this.endpoint} answered ${status}, and nothing that a collector of Holdfast answers`;
  }
}

function json(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return null;
  }
}

function endpointIn(text: string): string {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol)) return text;
  throw new ConfigFailure([fileError('', `--collector ${text}: not a URL such as https://collector.example.com:4318`)]);
}
