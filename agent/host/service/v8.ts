/** V8's choice between memory and speed. Node chooses speed. Measured with Node 24; bytecode and baseline code stay. */
import { setFlagsFromString } from 'node:v8';

/**
 * For an idle daemon. Switches off the optimising compilers, which recompile every function that was called some
 * hundred times. They took a quarter of the first minutes' work, and 9 MB for good, mostly pages of the compilers
 * themselves. Also collects garbage every few minutes: an idle daemon makes 0.4 MB a minute, and V8 would wait for many
 * megabytes.
 */
export function saveMemory(): void {
  set('--no-maglev', '--no-turbofan', '--memory-saver-mode');
}

/**
 * Switches the compilers on again, for work that is repeated 100,000 times. They must have been on when the process
 * started.
 */
export function optimise(): void {
  set('--maglev', '--turbofan');
}

function set(...flags: string[]): void {
  for (const flag of flags) setFlagsFromString(flag);
}
