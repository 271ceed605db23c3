/** The routes resource where there are routes to be kept: findings of each that is wanted, and of ours that is so no more. */
import type { DesiredRoute } from '../config/desired.ts';
import type { DesiredMetadata } from '../config/metadata.ts';
import type { Host } from '../host/host.ts';
import { HOLDFAST } from '../host/netlink/names.ts';
import { type RouteKey, sameKey } from '../host/netlink/route-key.ts';
import { deleteRoute, putRoute } from '../host/netlink/route-table.ts';
import { NetlinkSocket } from '../host/netlink/socket.ts';
import { Metadata } from '../metadata/metadata.ts';
import { wishesOf } from '../metadata/wishes.ts';
import { appliedAtBoot } from './boot-apply.ts';
import type { Finding, Outcome } from './resource.ts';
import { isPassing, RouteLook, type Standing } from './routes-look.ts';
import { type MadeRoute, pruneRecord, readRecord, writeRecord } from './routes-record.ts';
import { describeRoute, nameOf, type Wanted, type WantedRoute, wantedRoutes } from './routes-wanted.ts';

/** Milliseconds for one look at all of them, or one change: the kernel answers within its system calls. */
const TIME = 20_000;
const NAME = 'routes';

export class KeptRoutes {
  readonly #host: Host;
  readonly #wanted: readonly Wanted[];

  constructor(host: Host, routes: readonly DesiredRoute[], metadata: DesiredMetadata) {
    this.#host = host;
    const wishes = wishesOf({ routes });
    this.#wanted = wantedRoutes(routes, wishes.length === 0 ? null : new Metadata(host, metadata, wishes));
  }

  async inspect(): Promise<Finding[]> {
    if (!this.#host.live) return this.#wanted.map(skipped);
    using socket = await NetlinkSocket.open();
    const look = this.#look(socket);
    const findings: Finding[] = [];
    for (const wanted of this.#wanted) findings.push(withBoot(await this.#compare(look, wanted), this.#host));
    const gone: MadeRoute[] = [];
    for (const made of this.#unwanted()) {
      const there = await look.find(made);
      if (there?.protocol === HOLDFAST) findings.push(unwantedFinding(made, await look.describe(there)));
      else gone.push(made);
    }
    await pruneRecord(this.#host, gone);
    return findings;
  }

  /** Of what its findings are about. */
  keys(): Map<string, RouteKey> {
    const wanted = this.#wanted.flatMap(({ name, route }) =>
      route === null ? [] : [[keyOf({ name }), route] as const],
    );
    return new Map<string, RouteKey>([
      ...wanted,
      ...this.#unwanted().map((made) => [keyOf({ name: nameOf(made) }), made] as const),
    ]);
  }

  /** What was found may have changed since: it is looked at again. */
  async apply({ key }: Finding): Promise<Outcome> {
    using socket = await NetlinkSocket.open();
    const wanted = this.#wanted.find((one) => keyOf(one) === key);
    const made = this.#unwanted().find((one) => keyOf({ name: nameOf(one) }) === key);
    if (wanted?.route != null) return await this.#put(socket, wanted, wanted.route);
    if (made !== undefined) return await this.#takeAway(socket, made);
    return outcome(key, { result: 'skipped', actual: null, reason: wanted?.problem ?? 'it is not wanted any more' });
  }

  async #compare(look: RouteLook, wanted: Wanted): Promise<Finding> {
    const { route, problem } = wanted;
    if (route === null) return finding(wanted, { state: 'unknown', actual: null, reason: problem });
    const { is, there, reason } = await look.standing(route);
    const actual = there === null ? null : await look.describe(there);
    switch (is) {
      case 'right':
        return finding(wanted, { state: 'ok', actual: actual ?? describeRoute(route), reason: reason ?? problem });
      case 'absent':
      case 'changed':
        return finding(wanted, { state: 'drifted', actual, reason });
      case 'foreign':
        return finding(wanted, { state: 'drifted', actual, refusal: `${reason}. It gives way only to takeOver: true` });
      case 'refused':
        return finding(wanted, { state: 'drifted', actual, refusal: reason ?? '' });
      case 'part':
      case 'waiting':
        return finding(wanted, { state: 'unknown', actual, reason: `waits: ${reason}` });
    }
  }

  async #put(socket: NetlinkSocket, wanted: Wanted, wish: WantedRoute): Promise<Outcome> {
    const before = await this.#look(socket).standing(wish);
    const { route, there } = before;
    if (route === null || (before.is !== 'absent' && before.is !== 'changed')) return result(wanted, before);
    const replaced = there !== null && there.protocol !== HOLDFAST ? there.body.toString('hex') : null;
    this.#remember(route, wanted.wish, replaced);
    const refusal = await putRoute(socket, route, { replace: there !== null }, signal());
    if (refusal !== null && isPassing(refusal, route)) {
      return result(wanted, { is: 'waiting', reason: `the kernel has no way to its next hop now (${refusal})` });
    }
    if (refusal !== null) return result(wanted, { is: 'refused', reason: `the kernel refuses it (${refusal})` });
    const after = await this.#look(socket).standing(wish);
    const right = after.is === 'right' || after.is === 'part';
    return right ? result(wanted, after, 'changed') : { ...result(wanted, after), result: 'failed', changed: true };
  }

  /** Or gives back what was there before it. */
  async #takeAway(socket: NetlinkSocket, made: MadeRoute): Promise<Outcome> {
    const key = keyOf({ name: nameOf(made) });
    const given = made.replaced === null ? null : await giveBack(socket, made.replaced);
    const gone = given === 'given' ? null : await deleteRoute(socket, { ...made, protocol: HOLDFAST }, signal());
    if (gone !== null && gone !== 'ESRCH') {
      return outcome(key, { result: 'failed', actual: null, reason: `the kernel does not delete it (${gone})` });
    }
    this.#forget(made);
    return outcome(key, { result: 'changed', actual: null, ...(given === null ? {} : { reason: givenBack(given) }) });
  }

  #look(socket: NetlinkSocket): RouteLook {
    return new RouteLook(socket, [...this.keys().values()], signal());
  }

  /** Of ours, what the configuration does not say any more. What the metadata has not said yet may be meant still. */
  #unwanted(): MadeRoute[] {
    const open = new Set(this.#wanted.flatMap(({ route, wish }) => (route === null ? [wish] : [])));
    return readRecord(this.#host).filter((made) => {
      const isWanted = this.#wanted.some(({ route }) => route !== null && sameKey(route, made));
      return !isWanted && (made.wish === null || !open.has(made.wish));
    });
  }

  #remember({ family, destination, table, metric }: RouteKey, wish: string | null, replaced: string | null): void {
    const key = { family, destination, table, metric };
    const record = readRecord(this.#host);
    const known = record.find((made) => sameKey(made, key));
    // What was there before the first of ours is what is given back.
    const made = { ...key, wish, replaced: known?.replaced ?? replaced };
    if (JSON.stringify(known) === JSON.stringify(made)) return;
    writeRecord(this.#host, [...record.filter((one) => one !== known), made]);
  }

  #forget(made: RouteKey): void {
    writeRecord(
      this.#host,
      readRecord(this.#host).filter((one) => !sameKey(one, made)),
    );
  }
}

/** In the place of ours, in the same moment. The kernel may not take it any more: its interface has gone since. */
export async function giveBack(socket: NetlinkSocket, body: string): Promise<string> {
  return (await putRoute(socket, Buffer.from(body, 'hex'), { replace: true }, signal())) ?? 'given';
}

export function givenBack(given: string): string {
  return given === 'given'
    ? 'the route that was there before is there again'
    : `the route that was there before is refused by the kernel now (${given})`;
}

function signal(): AbortSignal {
  return AbortSignal.timeout(TIME);
}

function keyOf({ name }: Pick<Wanted, 'name'>): string {
  return `route ${name}`;
}

function finding(
  wanted: Wanted,
  found: Pick<Finding, 'state' | 'actual' | 'refusal'> & { readonly reason?: string | null },
): Finding {
  const { reason, ...rest } = found;
  const text = wanted.route === null ? 'not known yet' : describeRoute(wanted.route);
  const common = { moment: 'now', wanted: text, ...rest, ...(reason == null ? {} : { reason }) } as const;
  const { refusal, ...state } = common;
  const setting = { ...state, setting: `routes.${wanted.name}`, ...(refusal === undefined ? {} : { reason: refusal }) };
  return { ...common, resource: NAME, key: keyOf(wanted), kind: 'value', settings: async () => [setting] };
}

/** The kernel forgets every route: whether something of Holdfast's makes them again. */
function withBoot(found: Finding, host: Host): Finding {
  const settings = async () => {
    const now = await found.settings();
    return [...now, ...now.map((one) => appliedAtBoot(host, one))];
  };
  return { ...found, settings };
}

function unwantedFinding(made: MadeRoute, actual: string): Finding {
  const key = keyOf({ name: nameOf(made) });
  const common = { resource: NAME, key, kind: 'value', moment: 'now', state: 'drifted' } as const;
  return { ...common, wanted: null, actual, settings: async () => [] };
}

function skipped(wanted: Wanted): Finding {
  const reason = 'the running kernel is not that of these files';
  return finding(wanted, { state: 'skipped', actual: null, reason });
}

function result(
  wanted: Wanted,
  { is, reason }: Pick<Standing, 'is' | 'reason'>,
  good: 'ok' | 'changed' = 'ok',
): Outcome {
  const failed = is === 'foreign' || is === 'refused' || is === 'absent' || is === 'changed';
  const actual = is === 'right' && wanted.route !== null ? describeRoute(wanted.route) : null;
  return outcome(keyOf(wanted), {
    result: failed ? 'failed' : is === 'waiting' ? 'skipped' : good,
    actual,
    ...(reason === null ? {} : { reason }),
  });
}

function outcome(key: string, rest: Pick<Outcome, 'result' | 'actual' | 'reason'>): Outcome {
  return { resource: NAME, key, moment: 'now', ...rest };
}
