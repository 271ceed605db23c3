/**
 * Deletes DHCP's default route after BGP's route has stood for a while. Puts DHCP's route back as soon as BGP's route
 * is gone, or when the agent ends, because no other program would. (The resource `egress` keeps the route's place while
 * the route exists.)
 */
import { BEHIND, type DesiredState } from '../../config/desired.ts';
import type { BgpDefault, EgressView } from '../../egress/defaults.ts';
import type { DefaultRouteView, EgressLook } from '../../egress/look.ts';
import { errorMessage } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import type { NetlinkSocket } from '../../host/netlink/socket.ts';
import { EGRESS } from '../../host/paths.ts';
import { EVENTS, occurrence, type Tell } from '../daemon-events.ts';
import { BgpStanding } from './bgp-standing.ts';

/**
 * Milliseconds between looks at the route that packets take; each costs 0.05 ms. The kernel reports changes of routes
 * by itself, but only a look shows whether a gateway still answers.
 */
const LOOK_EVERY = 1_000;
/** Milliseconds between looks at all default routes and leases: while we wait for BGP's route, and otherwise. */
const WAIT = 5_000;
const SELDOM = 60_000;
const PATIENCE = 5_000;

export interface EgressOptions {
  readonly host: Host;
  /** null if measured values are not known yet. */
  readonly desired: () => DesiredState | null;
  /** False: only observe, change nothing. */
  readonly enforce: boolean;
  /** Makes the resource look, and put drift right. */
  readonly hold: () => Promise<void>;
  readonly tell: Tell;
}

export class EgressWatch {
  readonly #options: EgressOptions;
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> = Promise.resolve();
  #socket: NetlinkSocket | null = null;
  #look: EgressLook | null = null;
  #picture = '';
  #next = 0;
  readonly #standing = new BgpStanding();
  #follower: { close(): void } | null = null;
  /** Whether a look runs now, and whether something changed during it. */
  #looking = false;
  #again = false;
  #dropped = false;
  #told = '';

  constructor(options: EgressOptions) {
    this.#options = options;
  }

  start(): void {
    const { host, desired, enforce } = this.#options;
    if (!host.live) return;
    if (!enforce) {
      // An earlier configuration may have deleted DHCP's route. With enforce off, no code would put the route back
      // later.
      this.#working = this.#safely(() => this.#giveBackTaken());
      return;
    }
    // The note of a deleted route may be left by a killed agent or by an earlier configuration.
    if ((desired()?.egress ?? null) === null && host.lstat(EGRESS) === null) return;
    void this.#safely(async () => {
      const { followDefaults } = await import('./egress-follow.ts');
      if (!this.#abort.signal.aborted) this.#follower = followDefaults(() => this.#plan(0));
    });
    this.#plan(0);
  }

  /** `last`: the agent ends, so a deleted route is put back now. */
  async close(last: boolean): Promise<void> {
    this.#abort.abort();
    clearTimeout(this.#timer);
    this.#follower?.close();
    await this.#working;
    this.#socket?.[Symbol.dispose]();
    if (last && this.#dropped) await this.#safely(() => this.#giveBack('the agent ends'));
  }

  async #giveBackTaken(): Promise<void> {
    const { isDropped } = await import('../../egress/note.ts');
    const { host, desired } = this.#options;
    if (desired() !== null && isDropped(host)) await this.#giveBack('this agent observes only (report.enforce: false)');
  }

  #plan(wait: number): void {
    if (this.#abort.signal.aborted) return;
    if (this.#looking) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#looking = true;
      this.#again = false;
      this.#working = this.#safely(() => this.#watch()).then(() => {
        this.#looking = false;
        this.#plan(this.#again ? 0 : LOOK_EVERY);
      });
    }, wait);
  }

  /** Runs `deed`. A failure is emitted once and ends nothing. */
  async #safely(deed: () => Promise<void>): Promise<void> {
    try {
      await deed();
    } catch (error) {
      this.#picture = ''; // so that the next look tries again
      if (!this.#abort.signal.aborted)
        this.#tellOnce('warn', `the default routes cannot be kept: ${errorMessage(error)}`);
    }
  }

  async #watch(): Promise<void> {
    if (this.#socket === null || this.#socket.closed) {
      const { NetlinkSocket } = await import('../../host/netlink/socket.ts');
      this.#socket = await NetlinkSocket.open();
    }
    if (this.#look === null) {
      const { EgressLook } = await import('../../egress/look.ts');
      this.#look = new EgressLook('ipv4');
    }
    const picture = pictureOf(await this.#look.read(this.#socket, this.#abort.signal));
    if (picture === this.#picture && performance.now() < this.#next) return;
    this.#picture = picture;
    await this.#act();
  }

  async #act(): Promise<void> {
    const { host, desired, hold } = this.#options;
    const whole = desired();
    const { isDropped } = await import('../../egress/note.ts');
    this.#dropped = isDropped(host);
    const egress = whole?.egress ?? null;
    if (whole === null) return;
    if (egress === null) {
      if (this.#dropped) await this.#giveBack('egress is no longer configured');
      // The resource gives the route its own metric again.
      await hold();
      this.#next = Number.POSITIVE_INFINITY;
      return;
    }
    const view = await this.#view();
    const now = performance.now();
    this.#standing.see(view.bgp, now);
    const stands = this.#standing.stands(now);
    this.#next = performance.now() + (stands ? SELDOM : WAIT);
    // If DHCP's route is ahead, the resource puts it behind at once.
    if (view.dhcp.some(({ routes }) => routes.some(({ metric }) => metric < BEHIND))) await hold();
    if (view.bgp === null || view.bgp.problem !== null) {
      const missing = view.ahead === null ? 'there is no default route by BGP' : view.ahead.why;
      const why = view.bgp === null ? missing : `${view.bgp.name}: ${view.bgp.problem}`;
      if (view.bgp === null && view.ahead?.silent) (await import('../../egress/note.ts')).noteStillSilent(host);
      if (this.#dropped || view.count === 0) await this.#giveBack(why, view);
      if (view.bgp !== null) await this.#passOver(view.bgp, this.#standing.isDead(now));
      else if (view.dhcp.some(({ routes }) => routes.length > 0)) {
        this.#tellOnce('info', `DHCP's default route stays for now: ${why}`);
      }
      return;
    }
    if (egress.dhcp === 'behind') {
      if (this.#dropped) await this.#giveBack('the configuration keeps it behind (egress.dhcp: behind)');
      return;
    }
    const present = view.dhcp.filter(({ routes }) => routes.length > 0);
    if (!stands || present.length === 0) return;
    const { drop } = await import('../../egress/changes.ts');
    const last = await this.#view();
    await drop(host, last.dhcp, AbortSignal.timeout(PATIENCE));
    this.#dropped = true;
    const after = await this.#view();
    if (after.bgp === null) return this.#giveBack('BGP’s default route went at the same moment', after);
    this.#told = '';
    const gone = namesOf(last);
    const body = `deleted DHCP's default route by ${gone}: the default route by ${after.bgp.name} stands`;
    this.#options.tell(occurrence(EVENTS.egressDropped, 'info', body, { gateway: gone }));
  }

  /** BGP's route stands but leads nowhere. Packets would never reach DHCP's route behind it, so DHCP's goes ahead. */
  async #passOver(bgp: BgpDefault, dead: boolean): Promise<void> {
    // Look again soon, as long as the gateways are silent; BgpStanding measures how long.
    this.#next = performance.now() + (dead ? WAIT : LOOK_EVERY);
    const { host, tell } = this.#options;
    const view = await this.#view();
    const isAhead = view.dhcp.some(({ routes }) => routes.some(({ metric }) => metric < bgp.metric));
    if (!dead || view.dhcp.length === 0 || (isAhead && view.ahead === null)) return;
    if (bgp.metric === 0) {
      return this.#tellOnce(
        'error',
        `${bgp.name}: ${bgp.problem}, but its route has metric 0, so no route can go ahead of it`,
      );
    }
    const { putAheadOf } = await import('../../egress/changes.ts');
    await putAheadOf(host, bgp, view.dhcp, AbortSignal.timeout(PATIENCE));
    if (isAhead) return;
    const gateway = namesOf(view);
    const body = `put DHCP's default route by ${gateway} ahead of the one by ${bgp.name}: ${bgp.problem}`;
    tell(occurrence(EVENTS.egressPutBack, 'warn', body, { gateway }));
  }

  async #giveBack(why: string, known: EgressView | null = null): Promise<void> {
    const { putBehind } = await import('../../egress/changes.ts');
    const { host, tell } = this.#options;
    const view = known ?? (await this.#view());
    if (view.dhcp.length === 0) {
      return this.#tellOnce('error', `no default route can be put back, because no lease names a gateway: ${why}`);
    }
    await putBehind(host, view.dhcp, AbortSignal.timeout(PATIENCE));
    this.#dropped = false;
    this.#told = '';
    const gateway = namesOf(view);
    const body = `put back DHCP's default route by ${gateway}, behind all others: ${why}`;
    tell(occurrence(EVENTS.egressPutBack, 'warn', body, { gateway }));
  }

  async #view(): Promise<EgressView> {
    const { lookAtDefaults } = await import('../../egress/defaults.ts');
    const { host, desired } = this.#options;
    return lookAtDefaults(host, desired()!.dhclient, AbortSignal.timeout(PATIENCE));
  }

  #tellOnce(severity: 'info' | 'warn' | 'error', body: string): void {
    if (this.#told === body) return;
    this.#told = body;
    this.#options.tell(occurrence(EVENTS.egressWaits, severity, body));
  }
}

/** The parts that matter, as text. When a gateway was last heard is left out. */
function pictureOf(egress: DefaultRouteView | 'unseen' | null): string {
  if (egress === null || egress === 'unseen') return String(egress);
  const { protocol, metric, gateways } = egress;
  return JSON.stringify([
    protocol,
    metric,
    gateways.map(({ address, index, reachable }) => [address, index, reachable]),
  ]);
}

function namesOf({ dhcp }: EgressView): string {
  return dhcp.map(({ address, interface: link }) => `${address} on ${link}`).join(', ');
}
