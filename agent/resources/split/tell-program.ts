/** Tells a running forwarder to read its files again. */
import { askNameServer } from '../../dns/ask.ts';
import { errorCode, HostError } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { nullIfGone, unitOf } from '../../host/process/proc.ts';
import type { Process } from '../../host/process/processes.ts';

/** Milliseconds for an answer of a program on this host. */
const ANSWERS_WITHIN = 1000;

/**
 * Sends SIGHUP. In the service's sandbox the agent may signal no process of another user, so systemd sends it. Throws
 * HostError.
 */
export function sendHangUp(host: Host, process: Process): void {
  try {
    if (!host.signal(process, 'SIGHUP')) throw new HostError('ESRCH', `process ${process.pid} has ended`);
  } catch (error) {
    const unit = errorCode(error) === 'EPERM' ? serviceOf(process) : null;
    if (unit === null) throw error;
    const { status, stderr, error: failure } = host.run('systemctl', ['kill', '--kill-who=main', '-s', 'HUP', unit]);
    if (status !== 0) throw new HostError('ESYSTEMD', `systemctl kill -s HUP ${unit}: ${failure ?? stderr.trim()}`);
  }
}

/** The service that the process belongs to; null if it belongs to none. */
export function serviceOf({ pid }: Process): string | null {
  const unit = nullIfGone(() => unitOf(pid));
  return unit?.endsWith('.service') ? unit : null;
}

/**
 * Waits until the program has carried out a signal that it got before: dnsmasq looks at signals before it looks at
 * questions. The answer itself does not matter.
 */
export async function answersAgain(address: string): Promise<void> {
  await askNameServer(address, [{ name: 'localhost', type: 'A' }], { timeout: ANSWERS_WITHIN });
}
