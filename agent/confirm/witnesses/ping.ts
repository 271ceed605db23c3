/** Whether an address answers a ping, by ping(8) of iputils or busybox. */
import type { Host } from '../../host/host.ts';
import { ANSWERS, type Hearing, silent } from './confirm-witness.ts';

/** Seconds for the answer, and milliseconds until ping is ended. */
const WAIT = 3;
const TIME_LIMIT = 4_500;

/** The words of ping, or of its start, if a sandbox keeps its rights from it. */
const BARRED = /\bE(PERM|ACCES)\b|not permitted|lacking privilege/i;
const MAY_NOT =
  'ping may not run in this sandbox: name a tcp witness, or "systemctl edit holdfast", [Service] CapabilityBoundingSet=CAP_NET_RAW and SystemCallFilter=capset setuid';

/** `address` may have a zone. `otherwise` asks if a sandbox bars ping, as that of holdfast.service does. */
export async function pinged(
  host: Host,
  address: string,
  signal: AbortSignal,
  otherwise: () => Promise<Hearing> = async () => silent(MAY_NOT),
): Promise<Hearing> {
  const args = ['-q', '-c', '1', '-W', String(WAIT), address];
  const { status, stderr, error } = await host.runBeside('ping', args, { timeLimit: TIME_LIMIT, signal });
  if (status === 0) return ANSWERS;
  if (BARRED.test(`${error} ${stderr}`)) return otherwise();
  if (error !== null && /ENOENT/.test(error)) return silent('this host has no ping program');
  return silent(`${address} does not answer a ping`);
}
