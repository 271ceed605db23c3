/** Tells this boot from every other (paths.ts, BOOT_MARK). */
import { randomUUID } from 'node:crypto';
import { nullIfRefused } from './errors.ts';
import type { Host } from './host.ts';
import { BOOT_MARK, RUN_FOLDER } from './paths.ts';

/** Makes the mark of this boot if there is none, and returns it. Throws HostError. */
export function markBoot(host: Host): string {
  const known = host.readText(BOOT_MARK)?.trim();
  if (known !== undefined) return known;
  const mark = randomUUID();
  host.makeFolder(RUN_FOLDER, 0o755);
  host.replaceOwn(BOOT_MARK, `${mark}\n`, 0o644);
  return mark;
}

/** Whether this is the boot with that mark. False if the mark is gone, or cannot be read. */
export function isBootOf(host: Host, mark: string): boolean {
  return nullIfRefused(() => host.readText(BOOT_MARK))?.trim() === mark;
}
