/**
 * When a host was heard, and how its clock differs. Only our clock decides whether a host is silent. The host's clock
 * is used for charts, and a difference is shown.
 */

/** The assumed interval before the first heartbeats, and the bounds of a believable one, in milliseconds. */
const INTERVAL = { initial: 30_000, least: 1_000, most: 86_400_000 } as const;
/** Closer heartbeats in a row before a shorter interval is believed. A restart makes one closer heartbeat. */
const SHORTER = 3;
/** The number of missed heartbeats after which a host is silent. */
export const MISSED = 3;
/** Milliseconds by which a host's clock may differ from ours. */
export const CLOCK_TOLERANCE = 300_000;
/** Milliseconds of silence after a heartbeat, which prove that the heartbeat was not part of a backlog. */
const NO_BACKLOG = 10_000;

export class Pulse {
  /** When the host last sent anything, by our clock. */
  seen: number;
  /** When its last heartbeat came, by our clock; 0 if none has come. */
  beaten = 0;
  /** The time of its last heartbeat, by its own clock. */
  time = 0;
  /** Milliseconds by which the host's clock is ahead of ours; null if the clock seems right. */
  skew: number | null = null;
  /** The number of its heartbeats and requests with events. */
  heardOf = 0;
  /** The interval as the host reports it; null if the host does not report it. */
  #declared: number | null = null;
  /** The observed interval; null before the second heartbeat. */
  #measured: number | null = null;
  #shorter: readonly number[] = [];
  /** Heartbeats for which there was time since the first one, and that did not come. */
  #due = 0;
  /** The difference between its last heartbeat's time and ours on arrival; null if it had no time. */
  #ahead: number | null = null;

  constructor(now: number) {
    this.seen = now;
  }

  /** Milliseconds between its heartbeats. */
  get interval(): number {
    return this.#declared ?? this.#measured ?? INTERVAL.initial;
  }

  /** `seconds`: the resource attribute `holdfast.report.interval`, if present. */
  declare(seconds: unknown): void {
    const interval = Number(seconds) * 1000;
    this.#declared = interval >= INTERVAL.least && interval <= INTERVAL.most ? interval : null;
  }

  /** Notes a heartbeat. `time` is for charts. `claimed` is the host's own time, however wrong; 0 if not given. */
  beat(time: number, claimed: number, now: number): void {
    const since = now - this.beaten;
    if (this.beaten > 0) this.#due = Math.max(0, this.#due + since / this.interval - 1);
    this.#measure(time - this.time);
    this.#ahead = claimed === 0 ? null : claimed - now;
    this.time = time;
    this.seen = now;
    this.beaten = now;
    this.heardOf += 1;
    // A clock ahead of ours is wrong. A clock behind ours may mean delayed heartbeats, which come in quick succession.
    if (this.#differs() && (this.#ahead! > 0 || since >= this.interval / 2)) this.skew = this.#ahead;
    else if (!this.#differs()) this.skew = null;
  }

  /** How many of the `gap` missing heartbeats there was time for: a sender may use any number. */
  missed(gap: number): number {
    const missed = Math.min(gap, Math.round(this.#due));
    this.#due = Math.max(0, this.#due - missed);
    return missed;
  }

  /** Notes events from the host. */
  heard(now: number): void {
    this.seen = now;
    this.heardOf += 1;
  }

  /** Checks whether its clock is wrong after all. Returns whether `skew` changed. */
  judge(now: number): boolean {
    if (this.skew !== null || !this.#differs() || now - this.beaten < NO_BACKLOG) return false;
    this.skew = this.#ahead;
    return true;
  }

  /**
   * Whether heartbeats are missing. We listen since `since`. A host that never sent a heartbeat is never missing one.
   */
  silent(since: number, now: number): boolean {
    return this.beaten > 0 && now - Math.max(this.beaten, since) > MISSED * this.interval;
  }

  /** Loads stored times. A time after `latest` was noted while our clock was wrong, and becomes `now`. */
  restored(latest: number, now: number): void {
    if (this.seen > latest) this.seen = now;
    if (this.beaten > latest) this.beaten = now;
  }

  /** Adjusts the times after our own clock was set by so many milliseconds. */
  shift(by: number): void {
    this.seen += by;
    if (this.beaten > 0) this.beaten += by;
  }

  /**
   * By how much its clock was ahead of ours at its last heartbeat; null if unknown, or if the host was not heard
   * lately.
   */
  ahead(now: number): number | null {
    return now - this.beaten < 2 * this.interval ? this.#ahead : null;
  }

  #differs(): boolean {
    return this.#ahead !== null && Math.abs(this.#ahead) > CLOCK_TOLERANCE;
  }

  #measure(interval: number): void {
    if (interval < INTERVAL.least || interval > INTERVAL.most) return;
    const shorter = this.#measured !== null && interval < this.#measured * 0.9;
    if (shorter) this.#shorter = [...this.#shorter, interval];
    else if (this.#shorter.length > 0) this.#shorter = [];
    if (!shorter) this.#measured = interval;
    else if (this.#shorter.length >= SHORTER) {
      this.#measured = Math.max(...this.#shorter);
      this.#shorter = [];
    }
  }
}
