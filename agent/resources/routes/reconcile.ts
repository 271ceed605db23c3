/**
 * The routes resource if there are routes to keep: findings of each wanted route, and of our routes that are no longer
 * wanted.
 */
import { hookPlaces } from '../../clients/dhclient/hooks/hook-places.ts';
import { dhclientInstalled } from '../../clients/dhclient/installed.ts';
import { type DesiredRoute, type DesiredRule, isWritten } from '../../config/desired.ts';
import type { DesiredMetadata } from '../../config/desired-metadata.ts';
import { appliedAtBoot } from '../../hold/boot-apply.ts';
import type { Finding, Outcome } from '../../hold/resource.ts';
import type { Host } from '../../host/host.ts';
import { keyText, type RouteKey } from '../../host/netlink/routes/route-key.ts';
import { NetlinkSocket } from '../../host/netlink/socket.ts';
import { HOLDFAST } from '../../host/netlink/table-names.ts';
import { Metadata } from '../../metadata/metadata.ts';
import { type WantedEntry, wantedRoutes } from '../../metadata/wanted-routes.ts';
import { wishesOf } from '../../metadata/wishes.ts';
import { RouteLook, type RouteStanding } from './compare.ts';
import {
  type Foretold,
  madeKey,
  outcome,
  routeKey,
  skipped,
  standingFinding,
  unledFinding,
  unwantedFinding,
  wantedFinding,
} from './findings.ts';
import { tablesWithoutRule } from './led-tables.ts';
import { type MadeRoute, pruneRouteRecord, readRouteRecord } from './made.ts';
import { makeRoutes, type RouteWish, takeAway } from './make.ts';

/** Milliseconds for one look at all routes. The kernel answers within its system calls. */
const TIME = 20_000;

/** The parts of the configuration that decide about routes. */
export interface RoutesWanted {
  readonly routes: readonly DesiredRoute[];
  readonly rules: readonly DesiredRule[];
  readonly metadata: DesiredMetadata;
}

/** The configured and recorded routes at one moment, for one look or one change. */
export class KeptRoutes {
  readonly #host: Host;
  readonly #wanted: readonly WantedEntry[];
  readonly #configured: readonly DesiredRoute[];
  readonly #rules: readonly DesiredRule[];
  /** Our routes that are no longer configured. */
  readonly #unwanted: readonly MadeRoute[];
  /** How `inspect` found the routes; empty after a change. */
  #standings: ReadonlyMap<WantedEntry, RouteStanding> = new Map();

  constructor(host: Host, { routes, rules, metadata }: RoutesWanted) {
    this.#host = host;
    const wishes = wishesOf({ routes });
    this.#wanted = wantedRoutes(routes, wishes.length === 0 ? null : new Metadata(host, metadata, wishes));
    this.#configured = routes;
    this.#rules = rules;
    this.#unwanted = unwantedOf(readRouteRecord(host), this.#wanted);
  }

  async inspect(): Promise<Finding[]> {
    if (!this.#host.live) return this.#wanted.map(skipped);
    using socket = await NetlinkSocket.open();
    const look = this.#look(socket);
    const foretold = this.#foretold();
    const standings = await standingsOf(this.#wanted, look);
    this.#standings = standings;
    const findings: Finding[] = [];
    for (const wanted of this.#wanted) {
      const standing = standings.get(wanted);
      const unknown = { state: 'unknown', actual: null, reason: wanted.problem } as const;
      findings.push(
        standing === undefined
          ? wantedFinding(wanted, unknown, foretold)
          : standingFinding(wanted, standing, await look.actual(standing), foretold),
      );
    }
    const gone: MadeRoute[] = [];
    for (const made of this.#unwanted) {
      const there = await look.find(made);
      if (there?.protocol === HOLDFAST) findings.push(unwantedFinding(made, await look.describe(there)));
      else gone.push(made);
    }
    await pruneRouteRecord(this.#host, gone);
    const unled = await tablesWithoutRule(this.#configured, this.#rules, AbortSignal.timeout(TIME));
    findings.push(...unled.map(unledFinding));
    return findings;
  }

  /** For the moment `lease`, only doubts are reported: the finding of the hook says that the hook is in its place. */
  #foretold(): Foretold {
    const atBoot = appliedAtBoot(this.#host);
    let leased: boolean | undefined;
    let hooked: ReadonlySet<string> | undefined;
    return (now, doubtful) => {
      const boot = atBoot(now);
      if (!doubtful) return [boot];
      const unsure = { ...now, state: 'unknown', actual: null } as const;
      hooked ??= this.#hooked();
      leased ??= hookPlaces(this.#host) !== null && dhclientInstalled(this.#host);
      return [
        ...(leased && hooked.has(now.setting) ? [{ ...unsure, moment: 'lease' } as const] : []),
        boot.state === 'ok' ? { ...unsure, moment: 'boot' } : boot,
      ];
    };
  }

  /** Settings of the routes that the exit hook also makes. */
  #hooked(): ReadonlySet<string> {
    return new Set(wantedRoutes(this.#configured.filter(isWritten), null).map(({ name }) => `routes.${name}`));
  }

  /** The keys of the routes in its findings. */
  keys(): Map<string, RouteKey> {
    const wanted = this.#wanted.flatMap((one) => (one.route === null ? [] : [[routeKey(one), one.route] as const]));
    return new Map<string, RouteKey>([...wanted, ...this.#unwanted.map((made) => [madeKey(made), made] as const)]);
  }

  /**
   * Applies all in one pass, wanted routes first, right after `inspect`; after a change, or without a look, it looks
   * first. Outcomes are in the order of the findings.
   */
  async apply(findings: readonly Finding[]): Promise<Outcome[]> {
    using socket = await NetlinkSocket.open();
    const keys = new Set(findings.map(({ key }) => key));
    const wanted = new Map(this.#wanted.map((one) => [routeKey(one), one]));
    const unwanted = new Map(this.#unwanted.map((made) => [madeKey(made), made]));
    const wishes = await this.#wishes(
      socket,
      this.#wanted.filter((one) => keys.has(routeKey(one))),
    );
    this.#standings = new Map();
    const outcomes = new Map<string, Outcome>();
    for (const one of await makeRoutes(this.#host, socket, wishes, this.#look(socket))) outcomes.set(one.key, one);
    for (const { key } of findings.filter((one) => !outcomes.has(one.key))) {
      const made = unwanted.get(key);
      const reason = wanted.get(key)?.problem ?? 'the route is no longer wanted';
      const none = outcome(key, { result: 'skipped', actual: null, reason });
      outcomes.set(key, made === undefined ? none : await takeAway(this.#host, socket, made));
    }
    return findings.map(({ key }) => outcomes.get(key)!);
  }

  async #wishes(socket: NetlinkSocket, wanted: readonly WantedEntry[]): Promise<RouteWish[]> {
    const unseen = wanted.filter((one) => !this.#standings.has(one));
    const standings = new Map([...this.#standings, ...(await standingsOf(unseen, this.#look(socket)))]);
    return wanted.flatMap((one) => {
      const found = standings.get(one);
      return one.route === null || found === undefined ? [] : [{ wanted: one, route: one.route, found }];
    });
  }

  #look(socket: NetlinkSocket): RouteLook {
    return new RouteLook(socket, [...this.keys().values()], AbortSignal.timeout(TIME));
  }
}

/** Leaves out routes that are not known yet. Throws NetlinkError. */
async function standingsOf(wanted: readonly WantedEntry[], look: RouteLook): Promise<Map<WantedEntry, RouteStanding>> {
  const known = wanted.flatMap((one) => (one.route === null ? [] : [{ one, route: one.route }]));
  const found = await look.standings(known.map(({ route }) => route));
  return new Map(known.map(({ one }, nth) => [one, found[nth]!]));
}

/** Whether a route may still be wanted, because the metadata is not known yet. */
function unwantedOf(record: readonly MadeRoute[], wanted: readonly WantedEntry[]): MadeRoute[] {
  const open = new Set(wanted.flatMap(({ route, wish }) => (route === null ? [wish] : [])));
  const keys = new Set(wanted.flatMap(({ route }) => (route === null ? [] : [keyText(route)])));
  return record.filter((made) => !keys.has(keyText(made)) && (made.wish === null || !open.has(made.wish)));
}
