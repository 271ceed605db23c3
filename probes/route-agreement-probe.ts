/**
 * Compares the routes that FRR and BIRD say they put into the kernel with the routes that the kernel has. A daemon that
 * believes in routes that the kernel lost, or refused, announces networks that packets do not reach.
 */
import type { Host } from '../agent/host/host.ts';
import type { RouteCount } from '../agent/host/netlink/routes/counts.ts';
import { NetlinkError } from '../agent/host/netlink/socket.ts';
import { monotonicNow } from '../agent/host/steady-clock.ts';
import { type Condition, type Probe, type Reading, sample } from './probe.ts';
import {
  askDaemons,
  type Claim,
  claimAttributes,
  claimKey,
  DAEMON_LABELS,
  type DaemonName,
  type DaemonView,
  placeWords,
} from './route-agreement/claims.ts';
import { agreementVerdict, type Compared, type Differences, inKernel } from './route-agreement/differences.ts';
import type { RouteCounts } from './route-counts.ts';

/** Milliseconds. */
const INTERVAL = 20_000;
const TIME_LIMIT = 60_000;
/** A look waits at least this many times its duration: half a percent of a core, and less of the daemon's time. */
const PACE = 200;
/** The same while a difference is younger than a minute. */
const HURRIED_PACE = 60;
/** Milliseconds. The longest wait: the first look, and a look on a busy machine, are slow without many routes. */
const LONGEST_WAIT = 60_000;
/** The most series of each metric. */
const MOST = 200;

export interface RouteAgreementParts {
  readonly ask: typeof askDaemons;
  readonly clock: () => number;
}

/** Without a daemon's socket the probe reads nothing of the kernel. */
export function routeAgreementProbe(
  host: Pick<Host, 'locate' | 'stat'>,
  counts: Pick<RouteCounts, 'fresh'>,
  differences: Differences,
  { ask, clock }: RouteAgreementParts = { ask: askDaemons, clock: monotonicNow },
): Probe {
  let last: Reading[] = [];
  let due = Number.NEGATIVE_INFINITY;
  let blind: string | null = null;

  async function look(signal: AbortSignal): Promise<Reading[]> {
    const before = await ask(host, signal);
    const faults = new Map(before.faults);
    differences.meet(before.views, new Set(faults.keys()));
    const settled = before.views.filter((view) => view.settled);
    const kernel = settled.length === 0 ? null : await countKernel(counts, signal);
    const compared = kernel === null ? [] : await compare(settled, kernel, faults, signal);
    const seen = settled.filter(({ daemon }) => kernel !== null && !faults.has(daemon)).map(({ daemon }) => daemon);
    differences.take(compared, new Set(seen), clock());
    blind = faults.size === 0 ? null : [...faults.values()].join('; ');
    if (blind !== null && before.views.length === 0) throw new Error(blind);
    return [...told(compared), ...differences.lasting(clock()).map(condition)];
  }

  /** Asks a daemon once more if the kernel has another number: the daemon may be at work. */
  async function compare(
    views: readonly DaemonView[],
    kernel: Kernel,
    faults: Map<DaemonName, string>,
    signal: AbortSignal,
  ): Promise<Compared[]> {
    const claims = new Map(views.map((view) => [view, differences.complete(view)]));
    const off = views.filter((view) => claims.get(view)!.some((claim) => hasOther(claim, kernel)));
    const names = off.map(({ daemon }) => daemon);
    const again = names.length === 0 ? null : await ask(host, signal, names);
    for (const [daemon, fault] of again?.faults ?? []) faults.set(daemon, fault);
    return views.flatMap((view) => {
      const later = off.includes(view) ? again!.views.find(({ daemon }) => daemon === view.daemon) : view;
      if (later === undefined) return [];
      const same = later.run === view.run;
      const installed = new Map(differences.complete(later).map((claim) => [claimKey(claim), claim.installed]));
      return claims.get(view)!.map((claim): Compared => {
        const has = inKernel(claim, kernel[claim.family]);
        const then = installed.get(claimKey(claim));
        if (!same || then === undefined) return { claim, kernel: has, verdict: 'changing' };
        return {
          claim: { ...claim, installed: then },
          kernel: has,
          verdict: agreementVerdict(claim.installed, has, then),
        };
      });
    });
  }

  return {
    name: 'route-agreement',
    cost: 'constant',
    interval: INTERVAL,
    timeLimit: TIME_LIMIT,
    async read(signal) {
      const begin = clock();
      if (begin < due) return last;
      last = await look(signal);
      const end = clock();
      due = end + Math.min((end - begin) * (differences.pending(end) ? HURRIED_PACE : PACE), LONGEST_WAIT);
      return last;
    },
    blind: () => blind,
  };
}

type Kernel = Readonly<Record<Claim['family'], readonly RouteCount[]>>;

/** null if the routes changed all the time. */
async function countKernel(counts: Pick<RouteCounts, 'fresh'>, signal: AbortSignal): Promise<Kernel | null> {
  try {
    return { ipv4: await counts.fresh('ipv4', signal), ipv6: await counts.fresh('ipv6', signal) };
  } catch (error) {
    if (error instanceof NetlinkError && error.code === 'EINTR') return null;
    throw error;
  }
}

function hasOther(claim: Claim, kernel: Kernel): boolean {
  return inKernel(claim, kernel[claim.family]) !== claim.installed;
}

/** The difference is absent while the daemon is at work. */
function told(compared: readonly Compared[]): Reading[] {
  return compared.slice(0, MOST).flatMap(({ claim, kernel, verdict }) => {
    const attributes = claimAttributes(claim);
    return [
      sample('holdfast.route_agreement.routes', claim.installed, attributes),
      ...(verdict === 'changing'
        ? []
        : [sample('holdfast.route_agreement.difference', claim.installed - kernel, attributes)]),
    ];
  });
}

function condition({ claim, kernel }: Compared): Condition {
  const lacks = kernel < claim.installed;
  const off = Math.abs(claim.installed - kernel);
  return {
    kind: 'condition',
    code: 'routes-disagree',
    severity: lacks ? 'error' : 'warn',
    body:
      `${DAEMON_LABELS[claim.daemon]} says that the kernel took ${claim.installed} ${placeWords(claim)}, ` +
      `but the kernel has ${kernel}: ${off} ${lacks ? 'fewer' : 'more'}, for more than a minute.`,
    remedy:
      (lacks
        ? 'Packets to networks that the kernel lacks go another way, or nowhere. '
        : 'Packets still go to networks that the daemon has given up. ') +
      '`agent probe route-agreement --list` names some, and /usr/share/doc/holdfast/routes.md says how the daemon puts its routes into the kernel anew.',
    attributes: claimAttributes(claim),
  };
}
