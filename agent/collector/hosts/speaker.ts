/**
 * Who speaks for a host. Any sender may name any host, so only the sender of a host's heartbeats can say that the host
 * depends on nothing.
 */
import { durationInWords } from '../words.ts';
import { MISSED } from './pulse.ts';

/** Milliseconds for which a new speaker is doubted, if its host's heartbeats do not come more rarely. */
const DOUBT = 600_000;

export class Speaker {
  /** The sender of its heartbeats, as `speakerOf` gives it; null if none is known. */
  #name: string | null = null;
  /** When the heartbeats of another speaker last came, by our clock; 0 if never. */
  #other = 0;
  /** Who told dependences before any heartbeat came; null if nobody did. */
  #early: string | null = null;
  /** When dependences of another speaker came, by our clock; 0 if the last ones are the host's own. */
  #contested = 0;

  /**
   * Makes the speaker that a host had before a restart. `sender`: of the host's own requests. `heartbeats`: whether that
   * sender sent heartbeats, and not only dependences.
   */
  static restored(sender: string, heartbeats: boolean): Speaker {
    const speaker = new Speaker();
    if (heartbeats) speaker.#name = speakerOf(sender);
    else speaker.#early = speakerOf(sender);
    return speaker;
  }

  /** Whether a request comes from the host itself, as far as its sender is known. */
  isOwn(sender: string): boolean {
    const name = speakerOf(sender);
    return name === (this.#name ?? this.#early ?? name);
  }

  /** Whether the last dependences are not believed, so that they may be known no more after a restart. */
  get isContested(): boolean {
    return this.#contested > 0;
  }

  /** Notes a heartbeat. `last`: when the one before it came, by our clock. */
  beaten(sender: string, last: number, now: number): void {
    const name = speakerOf(sender);
    if (this.#name === name) return;
    if (this.#name !== null) this.#other = last;
    if (this.#early !== null && this.#early !== name) this.#contested = now;
    this.#early = null;
    this.#name = name;
  }

  /** Notes dependences. Returns whether they are to be believed. `interval`: milliseconds between heartbeats. */
  told(sender: string, interval: number, now: number): boolean {
    const name = speakerOf(sender);
    if (this.#name === null) this.#early ??= name;
    const isOwn = name === (this.#name ?? this.#early) && !this.#isDisputed(interval, now);
    this.#contested = isOwn ? 0 : now;
    return isOwn;
  }

  /** Why nothing can be said of the host, in sentences; '' if something can. */
  doubt(interval: number, now: number): string {
    if (this.#isDisputed(interval, now))
      return 'Heartbeats in its name came with two tokens or from two addresses: if you changed neither, another program reports as this host.';
    if (this.#contested === 0) return '';
    return `Another sender told dependences in its name ${durationInWords(now - this.#contested)} ago: restart its agent, which tells them anew.`;
  }

  /** Adjusts the times after our own clock was set by so many milliseconds. */
  shift(by: number): void {
    if (this.#other > 0) this.#other += by;
    if (this.#contested > 0) this.#contested += by;
  }

  #isDisputed(interval: number, now: number): boolean {
    return this.#other > 0 && now - this.#other <= Math.max(DOUBT, MISSED * interval);
  }
}

/** The token or certificate of a sender (sender.ts). Without one, its address: a host with a token may move. */
function speakerOf(sender: string): string {
  return sender.split(' ')[0]!;
}
