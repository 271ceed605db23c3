/**
 * The values that routes take from the cloud: the last fetched values, the time of the next fetch, and the fetch
 * itself.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { hostInUrl } from '../address/address.ts';
import type { DesiredMetadata, MetadataWish } from '../config/desired-metadata.ts';
import { errorMessage } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import type { MetadataAnswer, Provider } from './clouds/provider.ts';
import { deviceOf, hardwareAddressOf } from './hardware-addresses.ts';
import {
  type Fetched,
  type MetadataRecord,
  parseMetadataRecord,
  readMetadataRecord,
  writeMetadataRecord,
} from './metadata-record.ts';
import type { MetadataSource, ResolvedWish } from './source.ts';
import { wishKey } from './wishes.ts';

/** Age, in fetch intervals, at which a value is fetched again, and at which `status` and the heartbeat mention it. */
const YOUNG_FOR = 2;
const OLD_AFTER = 10;
/** Milliseconds until an answer that removes networks is asked for a second time. */
const SECOND_THOUGHT = 1_000;

/** The state of one wish. */
export interface MetadataView extends ResolvedWish {
  /** `vpc-ipv4-cidr-blocks`, `subnet-gateway eth1`. */
  readonly key: string;
  readonly wish: MetadataWish;
  /** Milliseconds since `asOf`; 0 if the clock was put back in between. */
  readonly age: number | null;
  /** Whether the operator should know that the value is old or missing. */
  readonly old: boolean;
}

/** The answers of one fetch, by wish. */
export interface Fetch {
  /** Milliseconds since the epoch: when it began. */
  readonly began: number;
  readonly source: string;
  readonly answers: ReadonlyMap<string, MetadataAnswer>;
}

/** A value that changed. */
export interface MetadataChange {
  readonly key: string;
  readonly source: string;
  /** null if no value was known. */
  readonly before: readonly string[] | null;
  readonly after: readonly string[];
}

export class Metadata implements MetadataSource {
  readonly wishes: readonly MetadataWish[];
  readonly interval: number;
  readonly #host: Host;
  readonly #desired: DesiredMetadata;
  #text: string | null = null;
  #record: MetadataRecord = parseMetadataRecord(null);

  constructor(host: Host, desired: DesiredMetadata, wishes: readonly MetadataWish[]) {
    this.#host = host;
    this.#desired = desired;
    this.wishes = wishes;
    this.interval = desired.interval;
  }

  resolve(wish: MetadataWish): ResolvedWish {
    this.#refresh();
    const key = wishKey(wish);
    const problem = this.#record.problems[key] ?? null;
    const unknown = (why: string): ResolvedWish => ({
      values: null,
      asOf: null,
      source: 'the cloud’s metadata',
      problem: why,
    });
    if (!this.#host.live) return unknown('below another root the network is another one, too');
    const fetched = this.#fetchedFor(wish);
    return fetched === null ? unknown(problem ?? 'it was never fetched') : { ...fetched, problem };
  }

  /** A text that changes if any value changes. Throws HostError. */
  known(): string {
    return JSON.stringify(this.wishes.map((wish) => this.resolve(wish).values));
  }

  /**
   * Whether it is time to fetch. Never in a `--root` folder, because this machine's network is not that folder's
   * network.
   */
  due(now = Date.now()): boolean {
    if (!this.#host.live) return false;
    return this.wishes.some((wish) => {
      const { asOf } = this.resolve(wish);
      return asOf === null || asOf > now || now - asOf >= YOUNG_FOR * this.interval;
    });
  }

  /** Asks the provider and changes nothing. Never throws: each answer carries its own problem. */
  async fetch(signal: AbortSignal): Promise<Fetch> {
    this.#refresh();
    const first = await this.#fetchOnce(signal);
    // An answer that removes networks must be confirmed by a second one.
    if (!this.wishes.some((wish) => this.#takesAway(wish, first.answers.get(wishKey(wish))))) return first;
    await sleep(SECOND_THOUGHT, undefined, { signal }).catch(() => undefined);
    const second = await this.#fetchOnce(signal);
    const agreed = [...second.answers].map(([key, answer]): [string, MetadataAnswer] => [
      key,
      agreement(first.answers.get(key), answer),
    ]);
    return { ...second, answers: new Map(agreed) };
  }

  /** Saves the valid answers, and returns the values that changed. Throws HostError. */
  note({ began, source, answers }: Fetch): MetadataChange[] {
    this.#refresh();
    const fetched: Record<string, Fetched> = {};
    const problems: Record<string, string> = {};
    const changes: MetadataChange[] = [];
    for (const wish of this.wishes) {
      const key = wishKey(wish);
      const last = this.#fetchedFor(wish);
      // Values whose interface is missing are also kept: the interface may only be late.
      const kept = this.#record.fetched[key];
      if (kept !== undefined) fetched[key] = kept;
      const answer = answers.get(key);
      // Another process has fetched in the meantime.
      if (answer === undefined || (last !== null && last.asOf >= began && last.asOf <= Date.now())) continue;
      // The record is about another machine's interface, so it does not count here.
      const device = 'problem' in answer ? null : deviceOf(this.#host, answer.mac, last?.device);
      if ('problem' in answer) problems[key] = answer.problem;
      else if (device === null) problems[key] = `it speaks of ${answer.mac}, which no interface of this host has`;
      else {
        fetched[key] = { ...answer, device, asOf: Date.now(), source };
        if (last?.values.join() !== answer.values.join())
          changes.push({ key, source, before: last?.values ?? null, after: answer.values });
      }
    }
    writeMetadataRecord(this.#host, { fetched, problems }, changes.length > 0);
    return changes;
  }

  views(now = Date.now()): MetadataView[] {
    return this.wishes.map((wish) => {
      const resolved = this.resolve(wish);
      const age = resolved.asOf === null ? null : Math.max(0, now - resolved.asOf);
      return { ...resolved, key: wishKey(wish), wish, age, old: age === null || age >= OLD_AFTER * this.interval };
    });
  }

  async #fetchOnce(signal: AbortSignal): Promise<Fetch> {
    const began = Date.now();
    let source = 'the cloud’s metadata';
    const answers = new Map<string, MetadataAnswer>();
    try {
      // Imported here, because a caller that only resolves does not need it.
      const { detectProvider, makeProvider } = await import('./clouds/providers.ts');
      const { MetadataClient } = await import('./clouds/http.ts');
      const name = this.#desired.provider === 'auto' ? detectProvider(this.#host) : this.#desired.provider;
      if (name === null) throw new Error('the firmware names none of ec2, gcp and azure; write metadata.provider');
      const provider: Provider = await makeProvider(name);
      source = provider.title;
      const questions = this.wishes.flatMap((wish) => {
        const mac = wish.interface === null ? null : hardwareAddressOf(this.#host, wish.interface);
        if (wish.interface === null || mac !== null) return [{ wish, mac }];
        answers.set(wishKey(wish), { problem: `there is no interface ${wish.interface}` });
        return [];
      });
      if (questions.length === 0) return { began, source, answers };
      const client = new MetadataClient(this.#desired.endpoint, signal);
      try {
        const given = await provider.fetch(
          client,
          questions.map(({ wish, mac }) => ({ name: wish.name, mac })),
        );
        for (const [i, { wish }] of questions.entries()) answers.set(wishKey(wish), given[i]!);
      } finally {
        client.close();
      }
    } catch (error) {
      const { host, port } = this.#desired.endpoint;
      const at = `${hostInUrl(host)}${port === 80 ? '' : `:${port}`}`;
      const problem = `${at}: ${errorMessage(error)}`;
      for (const wish of this.wishes) if (!answers.has(wishKey(wish))) answers.set(wishKey(wish), { problem });
    }
    return { began, source, answers };
  }

  #takesAway(wish: MetadataWish, answer: MetadataAnswer | undefined): boolean {
    const last = this.#fetchedFor(wish);
    if (last === null || answer === undefined || 'problem' in answer) return false;
    return last.values.some((value) => !answer.values.includes(value));
  }

  #fetchedFor(wish: MetadataWish): Fetched | null {
    const last = this.#record.fetched[wishKey(wish)];
    if (last === undefined || !this.#host.live) return null;
    const ours =
      wish.interface === null
        ? deviceOf(this.#host, last.mac, last.device) !== null
        : hardwareAddressOf(this.#host, wish.interface) === last.mac;
    return ours ? last : null;
  }

  #refresh(): void {
    if (this.wishes.length === 0) return;
    const text = readMetadataRecord(this.#host);
    if (text === this.#text) return;
    this.#text = text;
    this.#record = parseMetadataRecord(text);
  }
}

/** The second answer if the first answer agrees with it; otherwise a problem. */
function agreement(first: MetadataAnswer | undefined, second: MetadataAnswer): MetadataAnswer {
  if (first === undefined || 'problem' in first || 'problem' in second) return second;
  if (first.values.join() === second.values.join()) return second;
  return { problem: `it said ${list(first.values)} and a moment later ${list(second.values)}` };
}

function list(values: readonly string[]): string {
  return values.length === 0 ? 'none' : values.join(', ');
}
