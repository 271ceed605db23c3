/**
 * Takes the DHCP server's default route away once BGP's has stood for a while, and gives it back as soon as that one is gone, or
 * as the agent ends: nobody would else. (Where it stands while it is there, the resource keeps.)
 */

import type { Egress, EgressLook } from '../../probes/egress/look.ts';
import { BEHIND, type DesiredState } from '../config/desired.ts';
import type { BgpDefault, EgressView } from '../egress/defaults.ts';
import { errorMessage } from '../host/errors.ts';
import { EGRESS } from '../host/folders.ts';
import type { Host } from '../host/host.ts';
import type { NetlinkSocket } from '../host/netlink/socket.ts';
import { EVENTS, occurrence, type Tell } from './events.ts';

/** Milliseconds between looks at the one route that packets take: 0.05 ms each. */
const LOOK_EVERY = 1_000;
/** And at all default routes and leases, where that one is as it was: while BGP's is waited for, and else. */
const WAIT = 5_000;
const SELDOM = 60_000;
/** How long BGP's has to stand, answering, before the other goes: what flaps takes no route with it. */
const STAND = 30_000;
const PATIENCE = 5_000;

export interface EgressOptions {
  readonly host: Host;
  /** null: not known yet. */
  readonly desired: () => DesiredState | null;
  /** false: change nothing. */
  readonly enforce: boolean;
  /** Has the resource look, and put right what it finds. */
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
  #stoodSince: number | null = null;
  #dropped = false;
  #told = '';

  constructor(options: EgressOptions) {
    this.#options = options;
  }

  start(): void {
    const { host, desired, enforce } = this.#options;
    if (!host.live || !enforce) return;
    // Left by one that was killed, or of an earlier configuration.
    if ((desired()?.egress ?? null) === null && host.lstat(EGRESS) === null) return;
    this.#plan(0);
  }

  /** `last`: nobody goes on with it, so what was taken away is given back. */
  async close(last: boolean): Promise<void> {
    this.#abort.abort();
    clearTimeout(this.#timer);
    await this.#working;
    this.#socket?.[Symbol.dispose]();
    if (last && this.#dropped) await this.#safely(() => this.#giveBack('the agent ends'));
  }

  #plan(wait: number): void {
    if (this.#abort.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.#working = this.#safely(() => this.#watch()).then(() => this.#plan(LOOK_EVERY));
    }, wait);
  }

  /** It goes on whatever fails; that is told once. */
  async #safely(deed: () => Promise<void>): Promise<void> {
    try {
      await deed();
    } catch (error) {
      this.#picture = ''; // to be tried again
      if (!this.#abort.signal.aborted)
        this.#tellOnce('warn', `the default routes cannot be seen to: ${errorMessage(error)}`);
    }
  }

  async #watch(): Promise<void> {
    if (this.#socket === null || this.#socket.closed) {
      const { NetlinkSocket } = await import('../host/netlink/socket.ts');
      this.#socket = await NetlinkSocket.open();
    }
    if (this.#look === null) {
      const { EgressLook } = await import('../../probes/egress/look.ts');
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
    const { isDropped, drop } = await import('../egress/defaults.ts');
    this.#dropped = isDropped(host);
    const egress = whole?.egress ?? null;
    if (whole === null) return;
    if (egress === null) {
      if (this.#dropped) await this.#giveBack('it is no longer configured (egress)');
      this.#next = Number.POSITIVE_INFINITY;
      return;
    }
    const view = await this.#view();
    const stands = this.#stands(view.bgp);
    this.#next = performance.now() + (stands ? SELDOM : WAIT);
    // Where it is ahead the resource puts it behind, at once.
    if (view.dhcp.some(({ routes }) => routes.some(({ metric }) => metric < BEHIND))) await hold();
    if (view.bgp === null || view.bgp.problem !== null) {
      const why = view.bgp === null ? 'there is no default route by BGP' : `${view.bgp.name}: ${view.bgp.problem}`;
      if (this.#dropped || view.count === 0) await this.#giveBack(why);
      else if (view.dhcp.some(({ routes }) => routes.length > 0)) {
        this.#tellOnce('info', `the default route of the DHCP server is not taken away yet: ${why}`);
      }
      return;
    }
    if (egress.dhcp === 'behind') {
      if (this.#dropped) await this.#giveBack('it is to stay behind (egress.dhcp)');
      return;
    }
    const present = view.dhcp.filter(({ routes }) => routes.length > 0);
    if (!stands || present.length === 0) return;
    const now = await this.#view();
    await drop(host, now.dhcp, AbortSignal.timeout(PATIENCE));
    this.#dropped = true;
    const after = await this.#view();
    if (after.bgp === null) return this.#giveBack('BGP’s went at the same moment');
    this.#told = '';
    const gone = namesOf(now);
    const body = `the default route by ${after.bgp.name} stands: that of the DHCP server, by ${gone}, is taken away`;
    this.#options.tell(occurrence(EVENTS.egressDropped, 'info', body, { gateway: gone }));
  }

  #stands(bgp: BgpDefault | null): boolean {
    if (bgp === null || bgp.problem !== null) this.#stoodSince = null;
    else this.#stoodSince ??= performance.now();
    return this.#stoodSince !== null && performance.now() - this.#stoodSince >= STAND;
  }

  async #giveBack(why: string): Promise<void> {
    const { putBehind } = await import('../egress/defaults.ts');
    const { host, tell } = this.#options;
    const view = await this.#view();
    if (view.dhcp.length === 0) {
      return this.#tellOnce('error', `there is no default route to go back to, as no lease gives a gateway: ${why}`);
    }
    await putBehind(host, view.dhcp, AbortSignal.timeout(PATIENCE));
    this.#dropped = false;
    this.#told = '';
    const gateway = namesOf(view);
    const body = `the default route of the DHCP server, by ${gateway}, is there again, behind all others: ${why}`;
    tell(occurrence(EVENTS.egressPutBack, 'warn', body, { gateway }));
  }

  async #view(): Promise<EgressView> {
    const { lookAtDefaults } = await import('../egress/defaults.ts');
    const { host, desired } = this.#options;
    return lookAtDefaults(host, desired()!.dhclient, AbortSignal.timeout(PATIENCE));
  }

  #tellOnce(severity: 'info' | 'warn' | 'error', body: string): void {
    if (this.#told === body) return;
    this.#told = body;
    this.#options.tell(occurrence(EVENTS.egressWaits, severity, body));
  }
}

/** What of it counts: whether a gateway was heard of a second ago or a minute does not. */
function pictureOf(egress: Egress | 'unseen' | null): string {
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
