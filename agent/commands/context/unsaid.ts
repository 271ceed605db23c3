/**
 * Refuses a configuration that holds nothing, which is usually a template without its data: it would release the whole
 * host.
 */
import { isDeepStrictEqual } from 'node:util';
import { fileError } from '../../config/config-error.ts';
import type { DesiredDaemon } from '../../config/desired-daemon.ts';
import { DEFAULT_FILE } from '../../config/load.ts';
import { desiredDaemon } from '../../config/meaning/daemon-meaning.ts';
import { Originals } from '../../hold/originals/originals.ts';
import type { Host } from '../../host/host.ts';
import { isMasqueradeLeft } from '../../resources/masquerade/made.ts';
import { hasRouteRecord } from '../../resources/routes/made.ts';
import { hasRuleRecord } from '../../resources/rules/made.ts';
import { ConfigFailure } from '../output/output.ts';

const HELD =
  "holds no setting, but this host is held: an apply would remove the hooks, and the next lease would bring the DHCP server's values back";
const BARE = 'configures nothing: it has no dns, dhcp, sysctl, routes, rules, forwarding, egress, retire or report';
const CURE = 'write the settings (`agent init` writes a first configuration), or write "hold: nothing" to hold nothing';

/**
 * Throws ConfigFailure if the configuration holds nothing and does not say `hold: nothing`. A configuration that only
 * reports is allowed on a host that was never held.
 */
export function refuseUnsaid(host: Host, daemon: DesiredDaemon, file: string = DEFAULT_FILE): void {
  const isLeft = hasRouteRecord(host) || hasRuleRecord(host) || isMasqueradeLeft(host);
  const isHeld = isLeft || new Originals(host).all().length > 0;
  const bare = bareProblem(daemon);
  if (!isHeld && bare === null) return;
  const put = isHeld ? '; `agent revert` puts the host back as it was' : '';
  throw new ConfigFailure([fileError(file, isHeld ? `${HELD}; ${CURE}${put}` : bare!)]);
}

/** The error of a configuration that neither holds nor reports; null if it reports, which may be its only purpose. */
export function bareProblem(daemon: DesiredDaemon): string | null {
  return isDeepStrictEqual({ ...daemon, confirm: null }, desiredDaemon({})) ? `${BARE}; ${CURE}` : null;
}
