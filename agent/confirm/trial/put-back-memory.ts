/**
 * The change that was put back last. It is not tried again until the configuration differs, or this host has other
 * gateways: another network may have other witnesses.
 */
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { namedDefaultRoutes } from '../../host/netlink/routes/default-routes.ts';
import { PUT_BACK, STATE_FOLDER } from '../../host/paths.ts';

/** Milliseconds for the kernel's list of routes. */
const TIME = 10_000;
/** Milliseconds until a change that is not known to be at fault is tried again. */
const REST = 900_000;

export interface PutBackChange {
  readonly id: string;
  /** The hash of the configuration. */
  readonly hash: string;
  /** A sentence without its full stop: which change, why, and what could not be put back. */
  readonly body: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly gateways: string;
  /** The configuration may be tried again then, in milliseconds since the epoch; absent if it must differ first. */
  readonly until?: number;
  /** True if it was a heal (TrialRecord). */
  readonly heals?: boolean;
  /** Whether the event was emitted. */
  readonly told: boolean;
}

/** null if no change was put back, or if the record is damaged: then the change is only tried once more. */
export function readPutBack(host: Host): PutBackChange | null {
  const text = nullIfRefused(() => host.readText(PUT_BACK));
  try {
    const found = JSON.parse(text ?? 'null') as PutBackChange | null;
    return typeof found?.hash === 'string' ? found : null;
  } catch {
    return null;
  }
}

/** Waits for the disk. Throws HostError. */
export function writePutBack(host: Host, change: PutBackChange): void {
  host.makeFolder(STATE_FOLDER, 0o755);
  host.replaceOwn(PUT_BACK, `${JSON.stringify(change)}\n`, 0o644, { durable: true });
}

/** The event of this change was emitted. */
export function notePutBackTold(host: Host, id: string): void {
  const change = readPutBack(host);
  if (change?.id === id && !change.told) writePutBack(host, { ...change, told: true });
}

export function forgetPutBack(host: Host): void {
  host.remove(PUT_BACK);
}

/** When a change may be tried again that is not known to be at fault (`until` of PutBackChange). */
export function afterRest(): number {
  return Date.now() + REST;
}

/** Whether a change of this configuration was put back so lately that another undo calls for a rest. */
export function isPutBackLately(host: Host, hash: string): boolean {
  const change = readPutBack(host);
  return change?.hash === hash && Math.abs(Date.now() - change.time) < REST;
}

/** The change with this configuration that was put back and still counts; null if there is none. */
export async function standingPutBack(host: Host, hash: string): Promise<PutBackChange | null> {
  const change = readPutBack(host);
  if (change?.hash !== hash || (change.until !== undefined && Date.now() >= change.until)) return null;
  return isSameNetwork(change.gateways, await gatewaysText(change.gateways)) ? change : null;
}

/** A gateway that is gone makes no other network: the change itself may have removed a route that is learned again later. */
export function isSameNetwork(before: string, now: string): boolean {
  const known = before.split(' ');
  return now.split(' ').every((gateway) => gateway === '' || known.includes(gateway));
}

/** The gateways of two such texts, as one. */
export function joinGateways(one: string, other: string): string {
  return [...new Set(`${one} ${other}`.split(' '))].filter((gateway) => gateway !== '').join(' ');
}

/** The gateways of the default routes. `otherwise`: if the kernel does not say. */
export async function gatewaysText(otherwise = ''): Promise<string> {
  try {
    const signal = AbortSignal.timeout(TIME);
    const routes = [...(await namedDefaultRoutes('ipv4', signal)), ...(await namedDefaultRoutes('ipv6', signal))];
    const gateways = routes.flatMap(({ nexthops }) => nexthops.map(({ gateway }) => gateway ?? 'on the link'));
    return [...new Set(gateways)].sort().join(' ');
  } catch {
    return otherwise;
  }
}
