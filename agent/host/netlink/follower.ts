/**
 * Hears the kernel's messages for as long as its owner wants. It listens again after messages were lost (ENOBUFS), or
 * after a rest, as often as needed. It does not hear messages in between, so the owner must look at the state itself.
 */
import { listen, type NetlinkListening } from './listener.ts';
import { eachMessage } from './socket.ts';

/** More messages than this in so many milliseconds are a flood, as when a routing daemon loads a full table. */
const FLOOD = { messages: 200, within: 100 } as const;

export interface Followed {
  readonly protocol: number;
  readonly groups: readonly number[];
  /** The buffer of the datagram must not be kept. */
  readonly onMessage: (datagram: Buffer) => void;
  /** Listening begins now: earlier messages were not heard. */
  readonly onBegin: () => void;
  /** Milliseconds of a rest. After a flood in which messages were lost, more messages follow. */
  readonly pause: number;
}

export class Follower {
  readonly #followed: Followed;
  #listening: NetlinkListening;
  #pause: NodeJS.Timeout | null = null;
  #window = { began: 0, messages: 0 };

  /** Throws if the kernel refuses the socket. */
  constructor(followed: Followed) {
    this.#followed = followed;
    this.#listening = this.#listen();
  }

  /** Call this for each message that comes in floods. Rests after too many. Returns whether it rests. */
  flooded(): boolean {
    const now = performance.now();
    if (now - this.#window.began > FLOOD.within) this.#window = { began: now, messages: 0 };
    this.#window.messages += 1;
    if (this.#window.messages > FLOOD.messages) this.rest();
    return this.#pause !== null;
  }

  rest(): void {
    this.#listening.close();
    this.#pause ??= setTimeout(() => {
      this.#pause = null;
      try {
        this.#listening = this.#listen();
      } catch {
        this.rest(); // no memory or descriptors just now
      }
    }, this.#followed.pause);
  }

  close(): void {
    if (this.#pause !== null) clearTimeout(this.#pause);
    this.#listening.close();
  }

  #listen(): NetlinkListening {
    const { protocol, groups, onMessage, onBegin } = this.#followed;
    this.#window = { began: performance.now(), messages: 0 };
    const listening = listen(protocol, groups, onMessage, () => this.rest());
    onBegin();
    return listening;
  }
}

/** Reads datagrams: `take` gets each message, and `damaged` is called for a datagram whose lengths contradict each other. */
export function messagesOf(take: (message: Buffer) => void, damaged: () => void): (datagram: Buffer) => void {
  return (datagram) => {
    try {
      eachMessage(datagram, (data, at, end) => {
        take(data.subarray(at, end));
        return false;
      });
    } catch {
      damaged();
    }
  };
}
