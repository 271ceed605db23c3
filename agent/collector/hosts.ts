/**
 * All hosts by their numbers and keys, and the room that each sender has for them. Where room is short, hosts that were heard of
 * only once go first, of the sender that has the most such; then silent ones. What is alive stays, except that each sender has room
 * for some hosts at the cost of the sender that has the most.
 */
import { Host } from './host.ts';
import { lengthOf } from './otlp.ts';
import { Shares } from './shares.ts';

/** Of one collector, where a host of up to 128 series and 2,048 characters of attributes counts as one. */
export const MOST_HOSTS = 200_000;
const SERIES = 128;
const CHARACTERS = 2_048;
/** Hosts that a sender has room for at the cost of those that have more. */
const GUARANTEED = 2_000;
/** Hosts that go in one go, at most: the next ones then need not look for room. */
const AT_ONCE = 1_000;
/** Senders whose silent hosts are looked for: those that have the most. */
const LOOKED_AT = 10;

export class Hosts implements Iterable<Host> {
  readonly #byKey = new Map<string, Host>();
  readonly #byId = new Map<number, Host>();
  readonly #shares = new Shares();
  /** Of each sender: those heard of once, and the others; the longest not heard of first. */
  readonly #ofSender = new Map<string, { once: Set<Host>; often: Set<Host> }>();
  /** What each counts for. */
  readonly #room = new Map<Host, number>();
  #next: number;

  /** `next`: the number that the next host gets. */
  constructor(next: number) {
    this.#next = next;
  }

  [Symbol.iterator](): Iterator<Host> {
    return this.#byId.values();
  }

  get size(): number {
    return this.#byId.size;
  }

  find(key: string): Host | undefined {
    return this.#byKey.get(key);
  }

  byId(id: number): Host | undefined {
    return this.#byId.get(id);
  }

  /** There is room for one more. */
  get room(): boolean {
    return this.#shares.total < MOST_HOSTS;
  }

  add(key: string, now: number, sender: string, id = this.#next): Host {
    const host = new Host(id, key, now);
    this.#next = Math.max(this.#next, id + 1);
    this.#byKey.set(key, host);
    this.#byId.set(id, host);
    host.sender = sender;
    this.#place(host);
    return host;
  }

  /** A host was heard of; `sender`: by whom. true: by another one than before. */
  touch(host: Host, sender: string): boolean {
    const moved = host.sender !== sender;
    this.#displace(host);
    host.sender = sender;
    this.#place(host);
    return moved;
  }

  forget(host: Host): void {
    this.#displace(host);
    this.#byId.delete(host.id);
    if (this.#byKey.get(host.key) === host) this.#byKey.delete(host.key);
  }

  /** Those that are to go so that there is room for one more host of this sender; none: there is none to be had. */
  surplus(sender: string, now: number): Host[] {
    const once = this.heardOnce();
    if (once.length > 0) return once;
    const ranked = this.#shares.ranked(LOOKED_AT);
    for (const name of ranked) {
      const often = this.#ofSender.get(name)?.often.values() ?? [];
      const silent = Iterator.from(often).filter(({ pulse }) => pulse.silent(0, now));
      const found = silent.take(AT_ONCE).toArray();
      if (found.length > 0) return found;
    }
    const [largest = ''] = ranked;
    const mine = this.#shares.of(sender);
    if (mine >= GUARANTEED || mine + 1 >= this.#shares.of(largest)) return [];
    return (
      this.#ofSender
        .get(largest)
        ?.often.values()
        .take(AT_ONCE / 10)
        .toArray() ?? []
    );
  }

  /** Hosts that were heard of once, of the sender that has the most such. */
  heardOnce(): Host[] {
    let most = new Set<Host>();
    for (const { once } of this.#ofSender.values()) if (once.size > most.size) most = once;
    return most.values().take(AT_ONCE).toArray();
  }

  /** The host of this sender that was not heard of the longest. */
  oldest(sender: string): Host | undefined {
    const { once, often } = this.#ofSender.get(sender) ?? {};
    return once?.values().next().value ?? often?.values().next().value;
  }

  #place(host: Host): void {
    const room = 1 + Math.floor(host.series.length / SERIES) + Math.floor(lengthOf(host.resource) / CHARACTERS);
    this.#room.set(host, room);
    this.#shares.add(host.sender, room);
    let own = this.#ofSender.get(host.sender);
    if (own === undefined) {
      own = { once: new Set(), often: new Set() };
      this.#ofSender.set(host.sender, own);
    }
    (host.pulse.heardOf > 1 ? own.often : own.once).add(host);
  }

  #displace(host: Host): void {
    this.#shares.add(host.sender, -(this.#room.get(host) ?? 0));
    this.#room.delete(host);
    const own = this.#ofSender.get(host.sender);
    own?.once.delete(host);
    own?.often.delete(host);
    if (own !== undefined && own.once.size + own.often.size === 0) this.#ofSender.delete(host.sender);
  }
}
