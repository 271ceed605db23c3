/**
 * A network namespace without interfaces and with the kernel's default values, for trials that do not touch the host.
 */
import type { RunResult } from '../process/run-program.ts';

/** Options of systemd-run(1): it also works before basic.target, and asks no polkit agent. */
const TRANSIENT = ['--quiet', '--wait', '--pipe', '--collect', '--no-ask-password'];
const PROPERTIES = ['--property=PrivateNetwork=yes', '--property=DefaultDependencies=no'];

interface Runs {
  run(program: string, args: readonly string[]): RunResult;
}

/**
 * Runs a program to its end in such a namespace, by unshare(1). If root may not unshare, as in the service's sandbox,
 * systemd-run(1) does it. If both fail, the result is unshare's refusal. Never throws.
 */
export function runInEmptyNetwork(host: Runs, program: string, args: readonly string[]): RunResult {
  const direct = host.run('unshare', ['--net', program, ...args]);
  if (process.geteuid?.() !== 0 || !isRefused(direct)) return direct;
  const bySystemd = host.run('systemd-run', [...TRANSIENT, ...PROPERTIES, '--', program, ...args]);
  return bySystemd.status === null || /^Failed to /m.test(bySystemd.stderr) ? direct : bySystemd;
}

function isRefused({ status, stderr }: RunResult): boolean {
  return status === 1 && /^unshare: unshare failed/m.test(stderr);
}
