/** Whether an address answers a ping, by ping(8) of iputils or busybox. */
import type { Host } from '../../host/host.ts';
import { ANSWERS, type Hearing, silent } from './confirm-witness.ts';

/** Seconds for the answer, and milliseconds until ping is ended. */
const WAIT = 3;
const TIME_LIMIT = 4_500;

/** `address` may have a zone. */
export async function pinged(host: Host, address: string, signal: AbortSignal): Promise<Hearing> {
  const args = ['-q', '-c', '1', '-W', String(WAIT), address];
  const { status, error } = await host.runBeside('ping', args, { timeLimit: TIME_LIMIT, signal });
  if (status === 0) return ANSWERS;
  if (error !== null && /ENOENT/.test(error)) return silent('this host has no ping program');
  return silent(`${address} does not answer a ping`);
}
