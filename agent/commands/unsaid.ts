/** A configuration that holds nothing is mostly a template without its data: it must not take everything off a host unasked. */
import { isDeepStrictEqual } from 'node:util';
import type { DesiredDaemon } from '../config/daemon.ts';
import { fileError } from '../config/errors.ts';
import { DEFAULT_FILE } from '../config/load.ts';
import { desiredDaemon } from '../config/meaning-daemon.ts';
import type { Host } from '../host/host.ts';
import { isMasqueradeLeft } from '../resources/masquerade-record.ts';
import { Originals } from '../resources/originals.ts';
import { hasRecord } from '../resources/routes-record.ts';
import { ConfigFailure } from './output.ts';

const HELD =
  'says nothing of what is to be held, and this host is held: the hooks would go, and the next lease would bring back what its server says';
const BARE = 'configures nothing: no dns, dhclient, sysctl, routes, forwarding or egress, and nothing to report';
const CURE = 'write the settings (`agent init` makes a start), or "hold: nothing" if that is meant';

/**
 * Throws ConfigFailure where nothing is to be held, and nobody said that this is meant. One that only reports is well as long
 * as nothing of this host was ever held.
 */
export function refuseUnsaid(host: Host, daemon: DesiredDaemon, file: string = DEFAULT_FILE): void {
  const isHeld = new Originals(host).all().length > 0 || hasRecord(host) || isMasqueradeLeft(host);
  const bare = bareProblem(daemon);
  if (!isHeld && bare === null) return;
  const put = isHeld ? '; `agent revert` puts the host back as it was' : '';
  throw new ConfigFailure([fileError(file, isHeld ? `${HELD}; ${CURE}${put}` : bare!)]);
}

/** What is wrong with a configuration that holds nothing, whatever the host; null: it reports, which may be all that is meant. */
export function bareProblem(daemon: DesiredDaemon): string | null {
  return isDeepStrictEqual(daemon, desiredDaemon({})) ? `${BARE}; ${CURE}` : null;
}
