/** Whether an address answers a ping, by ping(8) of iputils or busybox. */
import type { Host } from '../../host/host.ts';
import { ANSWERS, type Hearing, silent } from './confirm-witness.ts';

/** Seconds for the answer, and milliseconds until ping is ended. */
const WAIT = 3;
const TIME_LIMIT = 4_500;

/** Options of systemd-run(1): it also works without a network, and asks no polkit agent. */
const OUTSIDE = ['--quiet', '--wait', '--pipe', '--collect', '--no-ask-password', '--property=DefaultDependencies=no'];

/**
 * `address` may have a zone. In the sandbox of the service ping is not allowed, and systemd runs it outside of the sandbox.
 */
export async function pinged(host: Host, address: string, signal: AbortSignal): Promise<Hearing> {
  const args = ['-q', '-c', '1', '-W', String(WAIT), address];
  const limits = { timeLimit: TIME_LIMIT, signal };
  const direct = await host.runBeside('ping', args, limits);
  // Debian's ping has a capability, and a service without it may not even start such a program.
  const isBarred = /EPERM|EACCES|\bsocket\b.*not permitted|lacking privilege/i.test(`${direct.error} ${direct.stderr}`);
  const { status, error } = isBarred
    ? await host.runBeside('systemd-run', [...OUTSIDE, '--', 'ping', ...args], limits)
    : direct;
  if (status === 0) return ANSWERS;
  if (error !== null && /ENOENT/.test(error)) return silent('this host has no ping program');
  return silent(`${address} does not answer a ping`);
}
