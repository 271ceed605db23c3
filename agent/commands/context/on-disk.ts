/** The daemon's conditions about the operator's files after these have changed on disk. */
import { dirname, join } from 'node:path';
import type { Condition } from '../../../probes/probe.ts';
import { fileError } from '../../config/config-error.ts';
import type { DesiredReport, Reload } from '../../config/desired-daemon.ts';
import { DROP_IN_FOLDER } from '../../config/load.ts';
import type { PutBackChange } from '../../confirm/trial/put-back-memory.ts';
import { waitingWave } from '../../confirm/trial/wave-record.ts';
import { type DaemonStanding, daemonStanding } from '../../daemon/standing.ts';
import { errorMessage, nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { isoTime } from '../../host/iso-time.ts';
import { IN_FORCE } from '../../host/paths.ts';
import { CREDENTIAL } from '../../host/service/secret-files.ts';
import type { Credentials } from '../../report/delivery/credentials.ts';
import type { CommonOptions } from '../common-options.ts';
import { ConfigFailure } from '../output/output.ts';
import { configFile, openHost, openToHold } from './context.ts';

const RELOAD = 'To put it in force, run: systemctl reload holdfast (or send SIGHUP).';

/**
 * The files and folders that the operator edits. Credentials from systemd never change during the life of a service.
 */
export function editedBy(options: CommonOptions, report: DesiredReport): { files: string[]; folders: string[] } {
  const file = configFile(options);
  const secrets = [report.tokenFile, report.ca, report.certificate, report.key].filter((path) => path !== null);
  return {
    files: [file, ...secrets.filter((path) => !path.startsWith(CREDENTIAL))],
    folders: [join(dirname(file), DROP_IN_FOLDER)],
  };
}

/**
 * Returns `reload` if the configuration on disk differs from `hash`, is valid and is to be taken. Otherwise returns the
 * conditions. `waits`: the hash of a configuration that the daemon takes as soon as its wave comes.
 */
export async function lookOnDisk(
  options: CommonOptions,
  { hash, waits, reload, report }: { hash: string; waits: string | null; reload: Reload; report: DesiredReport },
  credentials: Credentials,
): Promise<'reload' | Condition[]> {
  const secrets = credentials.problems(report).map((body) => condition('secret-unusable', 'warn', body));
  try {
    const onDisk = await openToHold(options, { ownNames: true });
    if (onDisk.hash === hash) return onDisk.putBack === null ? secrets : [putBackCondition(onDisk.putBack), ...secrets];
    if (onDisk.hash === waits) return secrets;
    if (reload === 'auto') return 'reload';
    const body = 'The configuration has changed on disk and is not in force.';
    return [{ ...condition('config-not-in-force', 'warn', body), remedy: RELOAD }, ...secrets];
  } catch (error) {
    const body = `The configuration on disk has errors, so the previous one stays in force: ${errorMessage(error)}`;
    return [condition('config-refused', 'error', body), ...secrets];
  }
}

/**
 * One sentence if a daemon with this same file holds a configuration with another hash; otherwise null, also if the daemon
 * takes it in its wave.
 */
export function notInForce(host: Host, options: CommonOptions, hash: string): string | null {
  const taken = nullIfRefused(() => host.readText(IN_FORCE))?.trim() ?? hash;
  const daemon = taken === hash || waitingWave(host, hash) !== null ? null : daemonOfFile(host, options);
  if (daemon === null) return null;
  return `The daemon (process ${daemon.pid}) does not hold the configuration that is on disk now. ${RELOAD}`;
}

/** The errors of a configuration, and a further line if a daemon goes on with an earlier configuration. */
export function withHeld(failure: ConfigFailure, options: CommonOptions): ConfigFailure {
  const daemon = daemonOfFile(openHost(options), options);
  if (daemon === null) return failure;
  const held = `the daemon (process ${daemon.pid}) goes on with the configuration as it was when it was last valid`;
  return new ConfigFailure([...failure.errors, fileError('agent run', held)]);
}

/** The daemon that follows this same file; null if none runs. */
function daemonOfFile(host: Host, options: CommonOptions): DaemonStanding | null {
  const daemon = host.live ? daemonStanding(host) : null;
  return daemon?.config === configFile(options) ? daemon : null;
}

function putBackCondition({ id, body, until, heals = false }: PutBackChange): Condition {
  const later = until === undefined ? '' : `, until an apply after ${isoTime(until)}`;
  const instead =
    heals && until !== undefined
      ? `Drift is not healed until ${isoTime(until)}`
      : `The configuration that was confirmed last is held until the one on disk differs${later}`;
  const cure = `${instead}, or until you run: agent apply --no-confirm`;
  return { ...condition('change-put-back', 'error', `${body}.`), attributes: { change: id }, remedy: cure };
}

function condition(code: string, severity: Condition['severity'], body: string): Condition {
  return { kind: 'condition', code, severity, body, attributes: {} };
}
