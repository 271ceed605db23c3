/**
 * Hears what the kernel tells for as long as it is wanted: after messages were lost (ENOBUFS), or when it was told to rest, it
 * listens again, as often as it takes. What happens in between is not heard, and has to be looked at.
 */
import { type Listening, listen } from './listener.ts';

/** More messages in so many milliseconds are a flood, as when a routing daemon loads a full table. */
const FLOOD = { messages: 200, within: 100 } as const;

export interface Followed {
  readonly protocol: number;
  readonly groups: readonly number[];
  /** The buffer of the datagram must not be kept. */
  readonly onMessage: (datagram: Buffer) => void;
  /** It listens from now on: whatever was told before was not heard. */
  readonly onBegin: () => void;
  /** Milliseconds for which it rests: of what comes in such numbers that some are lost there is more to come. */
  readonly pause: number;
}

export class Follower {
  readonly #followed: Followed;
  #listening: Listening;
  #pause: NodeJS.Timeout | null = null;
  #window = { began: 0, messages: 0 };

  /** Throws where the kernel cannot be listened to. */
  constructor(followed: Followed) {
    this.#followed = followed;
    this.#listening = this.#listen();
  }

  /** To be called with each message that comes in floods: rests after too many. Gives whether it rests. */
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

  #listen(): Listening {
    const { protocol, groups, onMessage, onBegin } = this.#followed;
    this.#window = { began: performance.now(), messages: 0 };
    const listening = listen(protocol, groups, onMessage, () => this.rest());
    onBegin();
    return listening;
  }
}
