/** What the daemon says of the operator's files when they have changed under it. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import type { Condition } from '../../probes/probe.ts';
import type { DesiredReport, Reload } from '../config/daemon.ts';
import { DEFAULT_FILE, DROP_IN_FOLDER } from '../config/load.ts';
import { CREDENTIAL, secretFile } from '../host/credentials.ts';
import { errorMessage, nullIfRefused } from '../host/errors.ts';
import { DAEMON, IN_FORCE } from '../host/folders.ts';
import type { Host } from '../host/host.ts';
import { readRegularFile } from '../host/read.ts';
import { openToHold } from './context.ts';
import type { CommonOptions } from './options.ts';

/** The files and folders that the operator edits. What systemd hands over stays the same for the life of a service. */
export function editedBy({ config }: CommonOptions, report: DesiredReport): { files: string[]; folders: string[] } {
  const file = config === undefined ? DEFAULT_FILE : resolve(config);
  const secrets = [report.tokenFile, report.ca, report.certificate, report.key].filter((path) => path !== null);
  return {
    files: [file, ...secrets.filter((path) => !path.startsWith(CREDENTIAL))],
    folders: [join(dirname(file), DROP_IN_FOLDER)],
  };
}

/** `reload`: the configuration is another one than `hash`, valid, and to be taken. Else what is wrong. */
export async function lookOnDisk(
  options: CommonOptions,
  { hash, reload, report }: { hash: string; reload: Reload; report: DesiredReport },
): Promise<'reload' | Condition[]> {
  const secrets = secretProblems(report).map((body) => condition('secret-unusable', 'warn', body));
  try {
    const onDisk = await openToHold(options);
    if (onDisk.hash === hash) return secrets;
    if (reload === 'auto') return 'reload';
    const body =
      'The configuration has changed on disk and is not in force. To have it taken: systemctl reload holdfast (SIGHUP).';
    return [condition('config-not-in-force', 'warn', body), ...secrets];
  } catch (error) {
    const body = `The configuration on disk is refused, and what was in force before stays: ${errorMessage(error)}`;
    return [condition('config-refused', 'error', body), ...secrets];
  }
}

/** A sentence where a daemon runs with another configuration than the one of this hash; else null. */
export function notInForce(host: Host, hash: string): string | null {
  const taken = nullIfRefused(() => host.readText(IN_FORCE))?.trim() ?? hash;
  const pid = Number(nullIfRefused(() => host.readText(DAEMON)) ?? '');
  if (taken === hash || !(pid > 0) || host.birthOf(pid) === null) return null;
  return `The daemon (process ${pid}) has not taken the configuration that is on disk now: systemctl reload holdfast (SIGHUP).`;
}

/** One sentence for each file that proves who reports and that the next request cannot use. */
export function secretProblems({ tokenFile, ca, certificate, key }: DesiredReport): string[] {
  const checks: [string | null, (bytes: Buffer) => unknown][] = [
    [
      tokenFile,
      (bytes) => assertThat(/^[\x21-\x7e]+$/.test(bytes.toString('latin1').trim()), 'it holds no token in one line'),
    ],
    [ca, (bytes) => new X509Certificate(bytes)],
    [certificate, (bytes) => new X509Certificate(bytes)],
    [key, (bytes) => assertThat(isKeyOf(bytes, certificate), 'it is not the key of the certificate')],
  ];
  return checks.flatMap(([named, check]) => {
    if (named === null) return [];
    try {
      check(readRegularFile(secretFile(named)));
      return [];
    } catch (error) {
      return [`${named} cannot be used: ${errorMessage(error)}. Nothing is delivered until that is mended.`];
    }
  });
}

function isKeyOf(pem: Buffer, certificate: string | null): boolean {
  const key = createPrivateKey(pem);
  return certificate === null || new X509Certificate(readRegularFile(secretFile(certificate))).checkPrivateKey(key);
}

function assertThat(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

function condition(code: string, severity: Condition['severity'], body: string): Condition {
  return { kind: 'condition', code, severity, body, attributes: {} };
}
