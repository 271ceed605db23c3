/**
 * The record of routes that Holdfast has made. A dump of the kernel would also show them, but lists every program's
 * routes. The record is in /run, because a reboot removes both. It is written before a route is made, so that it never
 * lacks one.
 */
import { HostError } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { keyText, type RouteKey } from '../../host/netlink/routes/route-key.ts';
import { HOOK_ROUTES, RUN_FOLDER } from '../../host/paths.ts';

const RECORD = `${RUN_FOLDER}/routes`;

export interface MadeRoute extends RouteKey {
  /** The metadata's name of its destination; null if the configuration has the destination itself. */
  readonly wish: string | null;
  /** The netlink message, in hexadecimal, that restores the route it replaced; null if there was none. */
  readonly replaced: string | null;
}

/** Whether a record exists, which is the only question of an agent without routes. */
export function hasRouteRecord(host: Host): boolean {
  return [RECORD, HOOK_ROUTES].some((path) => host.lstat(path) !== null);
}

/** A damaged record counts as empty, because `agent revert` also finds our routes in the kernel. */
export function readRouteRecord(host: Host): MadeRoute[] {
  const own = parse(host.readText(RECORD));
  // An old hook may still make routes that are no longer configured.
  const known = new Set(own.map(keyText));
  const others = parse(host.readText(HOOK_ROUTES)).filter((made) => !known.has(keyText(made)));
  return [...own, ...others];
}

function parse(text: string | null): MadeRoute[] {
  if (text === null) return [];
  try {
    const made = JSON.parse(text) as MadeRoute[];
    return Array.isArray(made) ? made.filter(isWhole) : [];
  } catch {
    return [];
  }
}

/** Adds routes that are about to be made, in one write. Writes nothing if the record has them all. */
export function rememberRoutes(host: Host, made: readonly MadeRoute[]): void {
  const record = new Map(readRouteRecord(host).map((one) => [keyText(one), one]));
  let fresh = false;
  for (const one of made) {
    const known = record.get(keyText(one));
    // The route from before our first one is the original.
    const now = { ...one, replaced: known?.replaced ?? one.replaced };
    if (known !== undefined && known.wish === now.wish && known.replaced === now.replaced) continue;
    fresh = true;
    record.set(keyText(one), now);
  }
  if (fresh) writeRecord(host, [...record.values()]);
}

export function forgetRoutes(host: Host, gone: readonly RouteKey[]): void {
  const keys = new Set(gone.map(keyText));
  writeRecord(
    host,
    readRouteRecord(host).filter((made) => !keys.has(keyText(made))),
  );
}

function writeRecord(host: Host, made: readonly MadeRoute[]): void {
  if (made.length === 0) {
    removeRouteRecord(host);
    return;
  }
  host.makeFolder(RUN_FOLDER, 0o755);
  host.replaceOwn(RECORD, `${JSON.stringify(made)}\n`, 0o644);
}

/**
 * Forgets routes that are neither wanted nor present, because each would cost a look every time. If another apply is
 * running, the next look does this. Without the right to write, nothing is forgotten.
 */
export async function pruneRouteRecord(host: Host, gone: readonly RouteKey[]): Promise<void> {
  if (gone.length === 0) return;
  const prune = async () => {
    const keys = new Set(gone.map(keyText));
    const left = readRouteRecord(host).filter((made) => !keys.has(keyText(made)));
    host.remove(HOOK_ROUTES);
    writeRecord(host, left);
  };
  try {
    await host.exclusively(RUN_FOLDER, prune, 0);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
  }
}

export function removeRouteRecord(host: Host): void {
  host.remove(RECORD);
  host.remove(HOOK_ROUTES);
}

/** Both records as text; null for a record that does not exist. */
export interface RouteRecords {
  readonly own: string | null;
  readonly hook: string | null;
}

export function routeRecords(host: Host): RouteRecords {
  return { own: host.readText(RECORD), hook: host.readText(HOOK_ROUTES) };
}

export function putBackRouteRecords(host: Host, { own, hook }: RouteRecords): void {
  for (const [path, text] of [
    [RECORD, own],
    [HOOK_ROUTES, hook],
  ] as const) {
    if (text === null) host.remove(path);
    else if (text !== host.readText(path)) host.replaceOwn(path, text, 0o644);
  }
}

function isWhole(made: MadeRoute | null): boolean {
  if (made === null || typeof made !== 'object') return false;
  const { family, destination, table, metric, wish, replaced } = made;
  return (
    (family === 'ipv4' || family === 'ipv6') &&
    /^[0-9a-f.:]+\/[0-9]{1,3}$/.test(destination) &&
    [table, metric].every(Number.isInteger) &&
    (wish === null || typeof wish === 'string') &&
    (replaced === null || /^([0-9a-f]{2}){12,}$/.test(replaced))
  );
}
