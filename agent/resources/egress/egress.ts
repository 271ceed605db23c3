import { BEHIND, type DesiredDhcp, type DesiredEgress } from '../../config/desired.ts';
import type { DhcpDefault, EgressView } from '../../egress/defaults.ts';
import type { Finding, Outcome, Resource, State } from '../../hold/resource.ts';
import { type Host, notOfTheseFiles } from '../../host/host.ts';
import { EGRESS } from '../../host/paths.ts';

const ROUTE = 'IPv4 default route';
/** Milliseconds for the kernel's answers. */
const PATIENCE = 5_000;

/**
 * Keeps DHCP's IPv4 default route behind all others. The route is moved behind if only BGP's stands behind it, once
 * BGP's gateway has answered. It is made there if the host has none. Only the daemon (agent/daemon/egress/egress-watch.ts) may
 * delete it: an apply never takes a host's last way out. Once `egress` is out of the configuration, the route becomes
 * again what dhclient-script makes of the lease.
 */
export class Egress implements Resource {
  readonly name = 'egress';
  readonly #host: Host;
  readonly #desired: DesiredEgress | null;
  readonly #dhclient: DesiredDhcp;

  constructor(host: Host, { egress, dhclient }: { egress: DesiredEgress | null; dhclient: DesiredDhcp }) {
    this.#host = host;
    this.#desired = egress;
    this.#dhclient = dhclient;
  }

  async inspect(): Promise<Finding[]> {
    if (this.#desired === null && (!this.#host.live || this.#host.lstat(EGRESS) === null)) return [];
    if (!this.#host.live) {
      const reason = notOfTheseFiles();
      return [this.#finding(ROUTE, { state: 'skipped', wanted: null, actual: null, reason })];
    }
    const { lookAtDefaults } = await this.#parts();
    const view = await lookAtDefaults(this.#host, this.#dhclient, AbortSignal.timeout(PATIENCE));
    if (this.#desired === null) {
      const left = view.dhcp.map((one) => this.#finding(keyOf(one), asLeased(one)));
      return left.filter(({ state }) => state === 'drifted');
    }
    const standing = await this.#judge();
    if (view.dhcp.length > 0) return view.dhcp.map((one) => this.#finding(keyOf(one), standing(one, view)));
    const reason =
      'no lease of a running dhclient gives a gateway, so DHCP has no default route that could be ahead of BGP’s';
    return [this.#finding(ROUTE, { state: 'skipped', wanted: null, actual: null, reason })];
  }

  async apply({ key, moment }: Finding): Promise<Outcome> {
    const { lookAtDefaults } = await this.#parts();
    const { putAhead, putBehind } = await import('../../egress/changes.ts');
    const signal = AbortSignal.timeout(PATIENCE);
    const look = () => lookAtDefaults(this.#host, this.#dhclient, signal);
    const standing = this.#desired === null ? asLeased : await this.#judge();
    const before = await look();
    const gateways = before.dhcp.filter((one) => keyOf(one) === key && standing(one, before).state === 'drifted');
    // All routes of an interface go back together, because their metrics count from 1.
    if (this.#desired === null) await putAhead(this.#host, before.dhcp, signal);
    else await putBehind(this.#host, gateways, signal);
    const after = await look();
    const now = after.dhcp.find((one) => keyOf(one) === key);
    const { state, actual } = now === undefined ? GONE : standing(now, after);
    const outcome = { resource: this.name, key, moment, actual };
    if (state !== 'drifted') return { ...outcome, result: 'changed' };
    return { ...outcome, result: 'failed', reason: 'read back after the change, the route is not where it was put' };
  }

  async snapshot(): Promise<unknown> {
    return (await import('./snapshot.ts')).defaultsSnapshot(this.#host);
  }

  watches(): string[] {
    return [];
  }

  /** Puts back a deleted route that may no longer be absent, because no other program would. */
  async #judge(): Promise<typeof standing> {
    const stays = this.#desired?.dhcp === 'drop' || !(await this.#isDropped());
    return stays ? standing : (gateway, view) => givenBack(gateway) ?? standing(gateway, view);
  }

  async #isDropped(): Promise<boolean> {
    const { isDropped } = await import('../../egress/note.ts');
    return isDropped(this.#host);
  }

  #parts() {
    return import('../../egress/defaults.ts');
  }

  #finding(key: string, { state, wanted, actual, reason }: Seen): Finding {
    const about = reason === undefined ? {} : { reason };
    const setting = { setting: 'egress.default', moment: 'now', state, wanted: 'bgp', actual, ...about } as const;
    return {
      ...{ resource: this.name, key, kind: 'route', moment: 'now', state, wanted, actual, ...about },
      settings: async () => (this.#desired === null ? [] : [setting]),
    };
  }
}

interface Seen {
  readonly state: State;
  readonly wanted: string | null;
  readonly actual: string | null;
  readonly reason?: string;
}

/** The lease that gave the route is over. */
const GONE: Seen = { state: 'ok', wanted: null, actual: null };

/** The finding of a route that an earlier configuration has put behind or deleted. */
function asLeased({ routes }: DhcpDefault): Seen {
  const [first] = routes;
  const actual = first === undefined ? null : `metric ${first.metric}`;
  if (first !== undefined && first.metric < BEHIND) return { state: 'ok', wanted: actual, actual };
  const reason = 'egress is no longer configured, so the default route of the lease takes its own place again';
  return { state: 'drifted', wanted: 'the metric that dhclient-script gives it', actual, reason };
}

/** The finding of a route that was deleted and must come back; null if the route exists. */
function givenBack({ routes, place }: DhcpDefault): Seen | null {
  return routes.length > 0 ? null : { state: 'drifted', wanted: `metric ${BEHIND + place}`, actual: null };
}

/** The finding of the default route by one gateway of a lease. */
export function standing({ routes, place }: DhcpDefault, { bgp, count, others, ahead = null }: EgressView): Seen {
  const behind = `metric ${BEHIND + place}`;
  const [first] = routes;
  const actual = first === undefined ? null : `metric ${first.metric}`;
  // The host's last way out is put back, even if another program deleted it.
  if (count === 0) return { state: 'drifted', wanted: behind, actual };
  if (first === undefined || first.metric >= BEHIND) return { state: 'ok', wanted: actual, actual };
  const stays = (why: string): Seen => {
    return { state: 'skipped', wanted: actual, actual, reason: `DHCP's route stays as it is: ${why}` };
  };
  if (others.length > 0) return stays(`another program's default route is behind it (${others.join(', ')})`);
  if (ahead !== null) return stays(`it was put ahead of BGP’s, and ${ahead.why}`);
  if (bgp?.problem != null) return stays(`the default route by ${bgp.name} waits: ${bgp.problem}`);
  // The route is also moved without BGP's route: DHCP's route stays in use, and FRR puts its own into the kernel only
  // after this.
  return {
    state: 'drifted',
    wanted: behind,
    actual,
    reason: `the default route by ${bgp?.name ?? 'BGP'} belongs ahead of DHCP's`,
  };
}

function keyOf({ address, interface: link }: DhcpDefault): string {
  return `default via ${address} dev ${link}`;
}
