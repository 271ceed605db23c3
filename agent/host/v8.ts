/** How V8 weighs memory against speed: as Node has it, for speed. Measured with Node 24; bytecode and baseline code stay. */
import { setFlagsFromString } from 'node:v8';

/**
 * For a daemon that idles. Without the optimising compilers, which compile anew what was called some hundred times, and so in
 * time everything: a quarter of the first minutes' work, and 9 MB for good, most of it pages of the compilers
 * themselves. And garbage is collected every few minutes: of an idle daemon it is 0.4 MB a minute, and V8 would wait for many.
 */
export function saveMemory(): void {
  set('--no-maglev', '--no-turbofan', '--memory-saver-mode');
}

/** With the compilers again: where the same is done 100,000 times. They must have been on when the process started. */
export function optimise(): void {
  set('--maglev', '--turbofan');
}

function set(...flags: string[]): void {
  for (const flag of flags) setFlagsFromString(flag);
}
