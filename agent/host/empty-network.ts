/** A network without interfaces, and with the kernel's first values, to try something in: nothing of it reaches the host's. */
import type { RunResult } from './run.ts';

/** Of systemd's own making: before basic.target too, and without a question to anybody. */
const TRANSIENT = ['--quiet', '--wait', '--pipe', '--collect', '--no-ask-password'];
const PROPERTIES = ['--property=PrivateNetwork=yes', '--property=DefaultDependencies=no'];

interface Runs {
  run(program: string, args: readonly string[]): RunResult;
}

/**
 * Runs a program in one, to its end: by unshare(1), and where root may not do that, as in the sandbox of the service, by
 * systemd-run(1). Where neither can be had the result is unshare's refusal. Never throws.
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
