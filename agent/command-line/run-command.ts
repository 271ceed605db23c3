/** Runs the code of a command, and ends the process with its status. */
import type { Command } from 'commander';
import type { CommonOptions } from '../commands/common-options.ts';
import { EXIT, reportFailure } from '../commands/output/output.ts';

/**
 * Loads the command's code, runs it, and exits with its status. It exits at once: the output is already written, and
 * tearing down the whole heap would cost milliseconds.
 */
export function runCommand<T extends CommonOptions>(
  program: Command,
  load: () => Promise<(options: T) => Promise<number>>,
) {
  return async (options: T & { color?: boolean }) => {
    if (options.color === false || program.opts().color === false) process.env.NO_COLOR = '1';
    process.exit(
      await load()
        .then((command) => command(options))
        .catch((error) => statusOfFailure(error, options)),
    );
  };
}

/** With --json the report goes to stdout. If stdout takes nothing, stderr gets a sentence. */
export function statusOfFailure(error: unknown, options: CommonOptions): number {
  for (const json of options.json ? [true, false] : [false]) {
    try {
      return reportFailure(error, { json });
    } catch {
      // This output takes nothing.
    }
  }
  return EXIT.failed;
}
