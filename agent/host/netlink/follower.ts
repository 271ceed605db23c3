/**
 * Hears what the kernel tells for as long as it is wanted: after messages were lost (ENOBUFS), or when it was told to rest, it
 * listens again, as often as it takes. What happens in between is not heard, and has to be looked at.
 */
import { type Listening, listen } from './listener.ts';

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

  /** Throws where the kernel cannot be listened to. */
  constructor(followed: Followed) {
    this.#followed = followed;
    this.#listening = this.#listen();
  }

  get rests(): boolean {
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
    const listening = listen(protocol, groups, onMessage, () => this.rest());
    onBegin();
    return listening;
  }
}
