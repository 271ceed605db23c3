/**
 * Values that the running kernel did not take when they were written. Only trying tells, and at the next boot it would be
 * the same; so `status` may not call them safe. Kept in /run, as long as that kernel runs: the next one may take them.
 */
import { nullIfRefused } from '../host/errors.ts';
import { RUN_FOLDER } from '../host/folders.ts';
import type { Host } from '../host/host.ts';

const FILE = `${RUN_FOLDER}/refused-values`;

/** By path below /proc/sys. */
type Refusals = Record<string, { readonly value: string; readonly reason: string } | undefined>;

/** Why the kernel did not take this value; null: it did, or it was never tried. */
export function refusalOf(host: Host, path: string, value: string): string | null {
  const refusal = load(host)[path];
  return refusal?.value === value ? refusal.reason : null;
}

/** `reason` null: it was taken. What cannot be kept is tried, and told, by the next apply. */
export function noteRefusal(host: Host, path: string, value: string, reason: string | null): void {
  const refusals = load(host);
  const known = refusals[path];
  if (reason === null ? known === undefined : known?.value === value && known.reason === reason) return;
  if (reason === null) delete refusals[path];
  else refusals[path] = { value, reason };
  nullIfRefused(() => host.makeFolder(RUN_FOLDER, 0o755));
  nullIfRefused(() => host.replace(FILE, JSON.stringify(refusals), 0o644));
}

function load(host: Host): Refusals {
  try {
    const kept: unknown = JSON.parse(nullIfRefused(() => host.readText(FILE)) ?? '{}');
    return typeof kept === 'object' && kept !== null ? { ...(kept as Refusals) } : {};
  } catch {
    return {}; // damaged: as if nothing was tried
  }
}
