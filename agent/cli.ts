/** The command line: the program and its commands. The code of a command is loaded when the command is called. */
import { Command } from 'commander';
import { addConfigurationCommands } from './command-line/configuration-commands.ts';
import { addFleetCommands } from './command-line/fleet-commands.ts';
import { addApply, addHoldCommands } from './command-line/hold-commands.ts';
import { addLookCommands } from './command-line/look-commands.ts';
import { statusOfFailure } from './command-line/run-command.ts';
import { examples } from './command-line/shared-options.ts';
import { VERSION } from './commands/context/version.ts';
import { printJson } from './commands/output/output.ts';
import { write } from './commands/output/write-sync.ts';

/** With --json, wrong usage is also reported as one JSON document, and wrong options are not parsed. */
const JSON_WANTED = process.argv.includes('--json');

/** The manual page and the completions are made from this. */
export const program = new Command('agent')
  .description(
    "Keeps this host's network settings where its operator put them: now, at the next lease, at the next boot.",
  )
  .version(VERSION)
  .option('--no-color', 'no colours (also by NO_COLOR, and where stdout is no terminal)')
  .configureOutput({
    writeOut: (text) => write(1, text),
    writeErr: (text) => (JSON_WANTED ? undefined : write(2, text)),
    outputError: (text, writeErr) =>
      JSON_WANTED ? printJson({ error: { message: text.trim(), errors: [] } }) : writeErr(text),
  })
  .showHelpAfterError('(agent --help, and agent COMMAND --help, tell more)')
  .addHelpText(
    'after',
    `\nExit status: 0 as asked, 1 bad configuration or usage. The help of each command has its other statuses.${examples(['sudo agent init', 'agent plan', 'sudo agent apply', 'agent status', 'agent retire 10.34.56.78'])}`,
  );

// Every host runs `apply` again and again. The options of all other commands would take most of a millisecond.
if (import.meta.main && process.argv[2] === 'apply') addApply(program);
else {
  // Help shows the commands in this order.
  addHoldCommands(program);
  addLookCommands(program);
  addFleetCommands(program);
  addConfigurationCommands(program);
}

if (import.meta.main) {
  // Files that others may read get their mode explicitly.
  process.umask(0o077);
  program.parseAsync().catch(failed);
}

/** Ends a command that this file carries out itself, such as `--help`, after an error. */
function failed(error: unknown): never {
  process.exit(statusOfFailure(error, { json: JSON_WANTED }));
}
