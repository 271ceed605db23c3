/**
 * Which routes Holdfast has made: a dump of the kernel's would tell, too, but lists everybody's. In /run, since a reboot takes
 * both away. Written before the route is made, so that it never lacks one.
 */
import { HostError } from '../host/errors.ts';
import { HOOK_ROUTES, RUN_FOLDER } from '../host/folders.ts';
import type { Host } from '../host/host.ts';
import { keyText, type RouteKey } from '../host/netlink/route-key.ts';

const RECORD = `${RUN_FOLDER}/routes`;

export interface MadeRoute extends RouteKey {
  /** Of the metadata's destination that it is one of; null: it was written in the configuration. */
  readonly wish: string | null;
  /** Hexadecimal body of the message that makes the route again that it took the place of; null: there was none. */
  readonly replaced: string | null;
}

/** Whether there is one: all that an agent without routes has to ask. */
export function hasRecord(host: Host): boolean {
  return [RECORD, HOOK_ROUTES].some((path) => host.lstat(path) !== null);
}

/** Damaged, it says nothing: what is lost by that `agent revert` finds in the kernel. */
export function readRecord(host: Host): MadeRoute[] {
  const own = parse(host.readText(RECORD));
  // The hook makes what the configuration said once, and it may not say so any more.
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

/** Adds what is about to be made, in one writing; nothing is written where all of it is known already. */
export function remember(host: Host, made: readonly MadeRoute[]): void {
  const record = new Map(readRecord(host).map((one) => [keyText(one), one]));
  let fresh = false;
  for (const one of made) {
    const known = record.get(keyText(one));
    // What was there before the first of ours is what is given back.
    const now = { ...one, replaced: known?.replaced ?? one.replaced };
    if (known !== undefined && known.wish === now.wish && known.replaced === now.replaced) continue;
    fresh = true;
    record.set(keyText(one), now);
  }
  if (fresh) writeRecord(host, [...record.values()]);
}

export function forget(host: Host, gone: readonly RouteKey[]): void {
  const keys = new Set(gone.map(keyText));
  writeRecord(
    host,
    readRecord(host).filter((made) => !keys.has(keyText(made))),
  );
}

function writeRecord(host: Host, made: readonly MadeRoute[]): void {
  if (made.length === 0) {
    removeRecord(host);
    return;
  }
  host.makeFolder(RUN_FOLDER, 0o755);
  host.replaceOwn(RECORD, `${JSON.stringify(made)}\n`, 0o644);
}

/**
 * Forgets routes that are neither wanted nor there any more, the hook's too: it would cost a look at each time. Another apply
 * at work has its own record to write: then the next look does it. Without the right to, nothing is forgotten.
 */
export async function pruneRecord(host: Host, gone: readonly RouteKey[]): Promise<void> {
  if (gone.length === 0) return;
  const prune = async () => {
    const keys = new Set(gone.map(keyText));
    const left = readRecord(host).filter((made) => !keys.has(keyText(made)));
    host.remove(HOOK_ROUTES);
    writeRecord(host, left);
  };
  try {
    await host.exclusively(RUN_FOLDER, prune, 0);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
  }
}

export function removeRecord(host: Host): void {
  host.remove(RECORD);
  host.remove(HOOK_ROUTES);
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
