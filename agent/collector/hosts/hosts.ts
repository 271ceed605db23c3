/**
 * All hosts by number and key, and the room of each sender. If room is short, hosts that were heard only once go first,
 * of the sender with the most of these; silent hosts go next. Live hosts stay, except that each sender is sure of some
 * hosts at the cost of the sender with the most.
 */
import { Shares } from '../admission/shares.ts';
import { lengthOf } from '../wire/otlp.ts';
import { HostState } from './host-state.ts';

/**
 * The most hosts of one collector. A host with up to 128 series and 2,048 characters of attributes counts as one, and so
 * do each 4,096 characters of its dependences.
 */
export const MOST_HOSTS = 200_000;
const SERIES = 128;
const CHARACTERS = 2_048;
const TOLD = 4_096;
/** The characters that an asker of a name server counts. */
const ASKER = 100;
/** The number of hosts that each sender is sure of, at the cost of senders with more hosts. */
const GUARANTEED = 2_000;
/** The most hosts to drop at a time, so that the next new hosts find room at once. */
const AT_ONCE = 1_000;
/** How many senders, the largest first, are searched for silent hosts. */
const LOOKED_AT = 10;

export class Hosts implements Iterable<HostState> {
  readonly #byKey = new Map<string, HostState>();
  readonly #byId = new Map<number, HostState>();
  readonly #shares = new Shares();
  /** The hosts of each sender: hosts heard once, and hosts heard more often; the longest silent first. */
  readonly #ofSender = new Map<string, { once: Set<HostState>; often: Set<HostState> }>();
  /** The weight of each host. */
  readonly #room = new Map<HostState, number>();
  #next: number;

  /** `next` is the number of the next new host. */
  constructor(next: number) {
    this.#next = next;
  }

  [Symbol.iterator](): Iterator<HostState> {
    return this.#byId.values();
  }

  get size(): number {
    return this.#byId.size;
  }

  find(key: string): HostState | undefined {
    return this.#byKey.get(key);
  }

  byId(id: number): HostState | undefined {
    return this.#byId.get(id);
  }

  /** Whether there is room for one more host. */
  get room(): boolean {
    return this.#shares.total < MOST_HOSTS;
  }

  add(key: string, now: number, sender: string, id = this.#next): HostState {
    const host = new HostState(id, key, now);
    this.#next = Math.max(this.#next, id + 1);
    this.#byKey.set(key, host);
    this.#byId.set(id, host);
    host.sender = sender;
    this.#place(host);
    return host;
  }

  /** Notes that a host was heard from `sender`. Returns whether the sender changed. */
  touch(host: HostState, sender: string): boolean {
    const moved = host.sender !== sender;
    this.#displace(host);
    host.sender = sender;
    this.#place(host);
    return moved;
  }

  forget(host: HostState): void {
    this.#displace(host);
    this.#byId.delete(host.id);
    if (this.#byKey.get(host.key) === host) this.#byKey.delete(host.key);
  }

  /** The hosts to drop so that this sender gets room for one more host; empty if no room can be made. */
  surplus(sender: string, now: number): HostState[] {
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

  /** Hosts that were heard once, of the sender with the most of these. */
  heardOnce(): HostState[] {
    let most = new Set<HostState>();
    for (const { once } of this.#ofSender.values()) if (once.size > most.size) most = once;
    return most.values().take(AT_ONCE).toArray();
  }

  /** This sender's host that has been silent the longest. */
  oldest(sender: string): HostState | undefined {
    const { once, often } = this.#ofSender.get(sender) ?? {};
    return once?.values().next().value ?? often?.values().next().value;
  }

  #place(host: HostState): void {
    const told = (host.told?.length ?? 0) + ASKER * (host.asked?.size ?? 0);
    const heartbeats = Math.floor(host.series.length / SERIES) + Math.floor(lengthOf(host.resource) / CHARACTERS);
    const room = 1 + heartbeats + Math.floor(told / TOLD);
    this.#room.set(host, room);
    this.#shares.add(host.sender, room);
    let own = this.#ofSender.get(host.sender);
    if (own === undefined) {
      own = { once: new Set(), often: new Set() };
      this.#ofSender.set(host.sender, own);
    }
    (host.pulse.heardOf > 1 ? own.often : own.once).add(host);
  }

  #displace(host: HostState): void {
    this.#shares.add(host.sender, -(this.#room.get(host) ?? 0));
    this.#room.delete(host);
    const own = this.#ofSender.get(host.sender);
    own?.once.delete(host);
    own?.often.delete(host);
    if (own !== undefined && own.once.size + own.often.size === 0) this.#ofSender.delete(host.sender);
  }
}
