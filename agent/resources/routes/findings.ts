/** Makes the findings and outcomes of the routes resource. */
import type { Finding, Outcome, SettingState } from '../../hold/resource.ts';
import { notOfTheseFiles } from '../../host/host.ts';
import { describeRoute, routeName, type WantedEntry } from '../../metadata/wanted-routes.ts';
import type { RouteStanding } from './compare.ts';
import { type FamilyTable, unledReason } from './led-tables.ts';
import type { MadeRoute } from './made.ts';

const NAME = 'routes';

export function routeKey({ name }: Pick<WantedEntry, 'name'>): string {
  return `route ${name}`;
}

export function madeKey(made: MadeRoute): string {
  return routeKey({ name: routeName(made) });
}

/** The states at the later moments, derived from the present one. `doubtful`: the kernel refuses the route now. */
export type Foretold = (now: SettingState, doubtful: boolean) => SettingState[];

/** `foretold` is null if the later moments are left out. */
export function wantedFinding(
  wanted: WantedEntry,
  found: Pick<Finding, 'state' | 'actual' | 'refusal'> & { readonly reason?: string | null },
  foretold: Foretold | null,
  doubtful = false,
): Finding {
  const { reason, ...rest } = found;
  const text = wanted.route === null ? 'not known yet' : describeRoute(wanted.route);
  const common = { moment: 'now', wanted: text, ...rest, ...(reason == null ? {} : { reason }) } as const;
  const { refusal, ...state } = common;
  const now = { ...state, setting: `routes.${wanted.name}`, ...(refusal === undefined ? {} : { reason: refusal }) };
  const settings = async () => [now, ...(foretold?.(now, doubtful) ?? [])];
  return { ...common, resource: NAME, key: routeKey(wanted), kind: 'route', settings };
}

/** The finding of a wanted route. `actual` describes the present route for people; null if there is none. */
export function standingFinding(
  wanted: WantedEntry,
  { is, reason }: Pick<RouteStanding, 'is' | 'reason'>,
  actual: string | null,
  foretold: Foretold,
): Finding {
  const make = (found: Parameters<typeof wantedFinding>[1], doubtful = false) =>
    wantedFinding(wanted, found, foretold, doubtful);
  switch (is) {
    case 'right':
      return make({ state: 'ok', actual, reason: reason ?? wanted.problem });
    case 'absent':
    case 'changed':
      return make({ state: 'drifted', actual, reason });
    case 'foreign':
      return make(
        { state: 'drifted', actual, refusal: `${reason}. Holdfast replaces that route only with takeOver: true` },
        true,
      );
    case 'refused':
      return make({ state: 'drifted', actual, refusal: reason ?? '' }, true);
    case 'part':
    case 'waiting':
      return make({ state: 'unknown', actual, reason: `waits: ${reason}` }, true);
  }
}

export function unwantedFinding(made: MadeRoute, actual: string): Finding {
  const common = { resource: NAME, key: madeKey(made), kind: 'route', moment: 'now', state: 'drifted' } as const;
  return { ...common, wanted: null, actual, settings: async () => [] };
}

/** A warning: it is unknown whether the table is meant to be without a rule, so `apply` does nothing about it. */
export function unledFinding(table: FamilyTable): Finding {
  const key = `${table.family} table ${table.table}`;
  const found = { moment: 'now', wanted: 'a rule that leads to it', state: 'unknown', actual: null } as const;
  const common = { ...found, reason: unledReason(table) };
  const settings = async () => [{ ...common, setting: `routes.${key}` }];
  return { ...common, resource: NAME, key, kind: 'route', settings };
}

export function skipped(wanted: WantedEntry): Finding {
  const reason = notOfTheseFiles();
  return wantedFinding(wanted, { state: 'skipped', actual: null, reason }, null);
}

/** The outcome of a wanted route. `actual` describes the present route for people; null if we have none. */
export function routeOutcome(
  wanted: WantedEntry,
  { is, reason }: Pick<RouteStanding, 'is' | 'reason'>,
  actual: string | null,
  good: 'ok' | 'changed' = 'ok',
): Outcome {
  const failed = is === 'foreign' || is === 'refused' || is === 'absent' || is === 'changed';
  const result = failed ? 'failed' : is === 'waiting' ? 'skipped' : good;
  return outcome(routeKey(wanted), { result, actual, ...(reason === null ? {} : { reason }) });
}

export function outcome(key: string, rest: Pick<Outcome, 'result' | 'actual' | 'reason'>): Outcome {
  return { resource: NAME, key, moment: 'now', ...rest };
}
