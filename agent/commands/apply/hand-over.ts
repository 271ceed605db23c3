/** `agent apply` beside a daemon: a daemon that holds an earlier configuration would put back what apply changes. */
import { lockedStanding } from '../../daemon/standing.ts';
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { HANDED_OVER, IN_FORCE } from '../../host/paths.ts';
import { notByLooks } from '../../host/recorded-looks.ts';
import type { CommonOptions } from '../common-options.ts';
import { configFile } from '../context/context.ts';

/**
 * Tells the daemon to take the configuration with this hash from disk. Call this under the lock. Returns the daemon's
 * process number. null if no daemon follows this file, if the daemon already holds this configuration, or if only a
 * part of it is applied.
 */
export function handOver(host: Host, options: CommonOptions, hash: string): number | null {
  const taken = nullIfRefused(() => host.readText(IN_FORCE))?.trim();
  if (taken === undefined || taken === hash) return null;
  notByLooks(); // The result depends on the daemon's next deed.
  if (options.only !== undefined) return null;
  const daemon = lockedStanding(host);
  if (daemon === null || daemon.config !== configFile(options)) return null;
  // The daemon reads the hash under the lock, which it may get before its event loop gets the signal.
  nullIfRefused(() => host.replaceOwn(HANDED_OVER, `${hash}\n`, 0o600));
  process.kill(daemon.pid, 'SIGHUP');
  return daemon.pid;
}

/**
 * Tells the daemon to read the configuration again, because a change was put back (agent/confirm/trial/end-trial.ts): it
 * holds the confirmed configuration then.
 */
export function handBack(host: Host): void {
  const daemon = lockedStanding(host);
  if (daemon !== null) process.kill(daemon.pid, 'SIGHUP');
}
