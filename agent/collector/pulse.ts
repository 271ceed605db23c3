/**
 * When a host is heard, and what its clock says meanwhile. Whether it is silent goes by our clock alone; its own is for charts,
 * and where the two differ, that is told.
 */

/** Milliseconds between heartbeats, where the host has sent none yet; and between what bounds one is believed. */
const INTERVAL = { initial: 30_000, least: 1_000, most: 86_400_000 } as const;
/** Heartbeats that come closer together in a row before a shorter interval is believed: a start in between is one. */
const SHORTER = 3;
/** Heartbeats that a host may miss before it is silent. */
export const MISSED = 3;
/** Milliseconds that a host's clock may differ from ours. */
export const CLOCK_TOLERANCE = 300_000;
/** Milliseconds without another heartbeat, after which the last one was not one of many that had waited. */
const NO_BACKLOG = 10_000;

export class Pulse {
  /** When we last heard of it at all, by our clock. */
  seen: number;
  /** When its last heartbeat came, by our clock; 0: none has come. */
  beaten = 0;
  /** Of its last heartbeat, by its own clock. */
  time = 0;
  /** By how much its clock is ahead of ours; null: as far as is known, it is right. */
  skew: number | null = null;
  /** Heartbeats and requests with events that we know of. */
  heardOf = 0;
  /** What the host itself says; null: nothing. */
  #declared: number | null = null;
  /** null: its first two heartbeats have not come. */
  #measured: number | null = null;
  #shorter: readonly number[] = [];
  /** Heartbeats for which there was time since the first one, and that did not come. */
  #due = 0;
  /** By how much the time of its last heartbeat differed from ours when it came; null: it gave none. */
  #ahead: number | null = null;

  constructor(now: number) {
    this.seen = now;
  }

  /** Milliseconds between its heartbeats. */
  get interval(): number {
    return this.#declared ?? this.#measured ?? INTERVAL.initial;
  }

  /** `seconds`: the resource attribute `holdfast.report.interval`, if there is one. */
  declare(seconds: unknown): void {
    const interval = Number(seconds) * 1000;
    this.#declared = interval >= INTERVAL.least && interval <= INTERVAL.most ? interval : null;
  }

  /** A heartbeat came. `time`: for charts. `claimed`: by its clock, however wrong; 0: not given. */
  beat(time: number, claimed: number, now: number): void {
    const since = now - this.beaten;
    if (this.beaten > 0) this.#due = Math.max(0, this.#due + since / this.interval - 1);
    this.#measure(time - this.time);
    this.#ahead = claimed === 0 ? null : claimed - now;
    this.time = time;
    this.seen = now;
    this.beaten = now;
    this.heardOf += 1;
    // A clock that is ahead is wrong; one that is behind may be a heartbeat's that has waited: those come quickly.
    if (this.#differs() && (this.#ahead! > 0 || since >= this.interval / 2)) this.skew = this.#ahead;
    else if (!this.#differs()) this.skew = null;
  }

  /** So many of `gap` heartbeats, which never came by their numbers, as there was time for: a sender may say any number. */
  missed(gap: number): number {
    const missed = Math.min(gap, Math.round(this.#due));
    this.#due = Math.max(0, this.#due - missed);
    return missed;
  }

  /** Something else of it came: events. */
  heard(now: number): void {
    this.seen = now;
    this.heardOf += 1;
  }

  /** Looks whether its clock is wrong after all. true: `skew` is another than before. */
  judge(now: number): boolean {
    if (this.skew !== null || !this.#differs() || now - this.beaten < NO_BACKLOG) return false;
    this.skew = this.#ahead;
    return true;
  }

  /** No heartbeat for some of its intervals. `since`: before that we did not listen. A host that never sent one owes none. */
  silent(since: number, now: number): boolean {
    return this.beaten > 0 && now - Math.max(this.beaten, since) > MISSED * this.interval;
  }

  /** It was stored: a time after `latest` was noted while our clock was wrong, and is as good as `now`. */
  restored(latest: number, now: number): void {
    if (this.seen > latest) this.seen = now;
    if (this.beaten > latest) this.beaten = now;
  }

  /** Our own clock was set, by so many milliseconds: what it said before is said in its new terms. */
  shift(by: number): void {
    this.seen += by;
    if (this.beaten > 0) this.beaten += by;
  }

  /** By how much its clock was ahead of ours at its last heartbeat; null: it did not say, or was not heard of lately. */
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
