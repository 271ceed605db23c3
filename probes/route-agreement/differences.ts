/** Whether a daemon's claims agree with the kernel's counts, and for how long they have not. */
import type { RouteCount } from '../../agent/host/netlink/routes/counts.ts';
import { type Claim, claimKey, type DaemonName, type DaemonView, placeOf } from './claims.ts';

/** Milliseconds for which a claim must differ from the kernel before it is a fault: a daemon may still be at work. */
const LASTING = 60_000;

/**
 * While a daemon's own count changes, a difference counts only if it is this many times larger than the change. A busy BGP
 * table changes by some routes in every look, and never stands still.
 */
const BEYOND_CHANGE = 10;

/** `changing`: the daemon is at work, so the difference says nothing. */
export type AgreementVerdict = 'agrees' | 'differs' | 'changing';

/** A claim beside what the kernel has. */
export interface Compared {
  readonly claim: Claim;
  readonly kernel: number;
  readonly verdict: AgreementVerdict;
}

/** Whether the claim is about this route of the kernel. */
export function covers({ table, protocol }: Claim, route: Pick<RouteCount, 'table' | 'protocol'>): boolean {
  return route.protocol === protocol && (table === null || route.table === table);
}

export function inKernel(claim: Claim, counts: readonly RouteCount[]): number {
  return counts.filter((count) => covers(claim, count)).reduce((sum, { routes }) => sum + routes, 0);
}

/** `before`, `after`: the daemon's number before and after the kernel's routes were counted. */
export function agreementVerdict(before: number, kernel: number, after: number): AgreementVerdict {
  const [least, most] = [Math.min(before, after), Math.max(before, after)];
  if (kernel >= least && kernel <= most) return least === most ? 'agrees' : 'changing';
  const away = kernel < least ? least - kernel : kernel - most;
  return away > BEYOND_CHANGE * (most - least) ? 'differs' : 'changing';
}

interface Difference {
  readonly compared: Compared;
  /** Milliseconds, by the caller's clock. */
  readonly since: number;
}

/** Remembers from look to look which claims differ, and since when. */
export class Differences {
  #all = new Map<string, Difference>();
  readonly #runs = new Map<DaemonName, string>();
  /** Claims that a daemon made in this run: a kind of routes that it no longer names is a claim of none. */
  readonly #claimed = new Map<string, Claim>();

  /** Whether a difference is younger than a minute: another look should come soon. */
  pending(now: number): boolean {
    return [...this.#all.values()].some(({ since }) => now - since < LASTING);
  }

  /** Differences that have lasted for a minute. */
  lasting(now: number): Compared[] {
    return [...this.#all.values()].filter(({ since }) => now - since >= LASTING).map(({ compared }) => compared);
  }

  /** Forgets everything of a daemon that does not run, or that was started anew. */
  meet(views: readonly DaemonView[], unknown: ReadonlySet<DaemonName>): void {
    for (const daemon of ['frr', 'bird'] as const) {
      const run = views.find((view) => view.daemon === daemon)?.run;
      if (unknown.has(daemon) || run === this.#runs.get(daemon)) continue;
      if (run === undefined) this.#runs.delete(daemon);
      else this.#runs.set(daemon, run);
      for (const map of [this.#all, this.#claimed]) {
        for (const key of map.keys()) if (key.startsWith(`${daemon} `)) map.delete(key);
      }
    }
  }

  /** The claims of a view, and a claim of none for each kind of routes that the daemon claimed earlier in the same place. */
  complete({ claims, asked }: DaemonView): Claim[] {
    for (const claim of claims) this.#claimed.set(claimKey(claim), { ...claim, installed: 0 });
    const named = new Set(claims.map(claimKey));
    const none = [...this.#claimed].filter(([key, claim]) => !named.has(key) && asked.has(placeOf(claim)));
    return [...claims, ...none.map(([, claim]) => claim)];
  }

  /**
   * Takes the result of a look at all claims of some daemons. Earlier differences of these daemons that were not compared
   * are forgotten. Only lasting differences of all other daemons are kept.
   */
  take(compared: readonly Compared[], of: ReadonlySet<DaemonName>, now: number): void {
    const next = new Map<string, Difference>();
    for (const [key, one] of this.#all) {
      if (!of.has(one.compared.claim.daemon) && now - one.since >= LASTING) next.set(key, one);
    }
    for (const one of compared) {
      const key = claimKey(one.claim);
      const before = this.#all.get(key);
      if (one.verdict === 'differs') {
        next.set(key, { compared: one, since: before && sameSide(before.compared, one) ? before.since : now });
      } else if (one.verdict === 'changing' && before !== undefined && now - before.since >= LASTING) {
        next.set(key, before);
      }
    }
    this.#all = next;
  }
}

function sameSide(a: Compared, b: Compared): boolean {
  return a.kernel < a.claim.installed === b.kernel < b.claim.installed;
}
