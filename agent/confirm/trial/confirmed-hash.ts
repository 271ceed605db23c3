/** The hash of the configuration that was confirmed last, for a look that must load little (confirmed-configuration.ts). */
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { CONFIRMED } from '../../host/paths.ts';

/** null if no configuration was confirmed, or if this user may not read it. A damaged record is not noticed. */
export function confirmedHash(host: Host): string | null {
  return nullIfRefused(() => host.readText(CONFIRMED))?.split('\n', 2)[1] ?? null;
}
