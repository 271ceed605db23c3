/**
 * Values that the running kernel refused when they were written. Only a write shows this, and the next boot would end
 * the same, so `status` must not show them as safe. They are saved in /run while that kernel runs, because another
 * kernel may accept them.
 */
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { RUN_FOLDER } from '../../host/paths.ts';

const FILE = `${RUN_FOLDER}/refused-values`;

/** Refusals by path below /proc/sys. */
type Refusals = Record<string, { readonly value: string; readonly reason: string } | undefined>;

/** Why the kernel refused this value; null if the kernel took the value, or if it was never tried. */
export function sysctlRefusal(host: Host, path: string, value: string): string | null {
  const refusal = load(host)[path];
  return refusal?.value === value ? refusal.reason : null;
}

/**
 * Notes a refusal; `reason` is null if the kernel took the value. If the note cannot be saved, the next apply tries
 * again.
 */
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
    return {}; // a damaged record counts as if nothing was tried
  }
}
