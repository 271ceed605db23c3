/** The command line: the program and its commands. The code of a command is loaded when the command is called. */
import { Command, Option } from 'commander';
import { addApply } from './command-line/apply-command.ts';
import { statusOfFailure } from './command-line/run-command.ts';
import { examples } from './command-line/shared-options.ts';
import { VERSION } from './commands/context/version.ts';
import { printJson } from './commands/output/output.ts';
import { write } from './commands/output/write-sync.ts';

/** With --json, wrong usage is also reported as one JSON document, and wrong options are not parsed. */
const JSON_WANTED = process.argv.includes('--json');

/** Its commands are added when it starts. */
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

if (import.meta.main) {
  // Files that others may read get their mode explicitly.
  process.umask(0o077);
  start().catch(failed);
}

async function start(): Promise<void> {
  if (isPlainApply(process.argv.slice(2))) addApply(program, new Option('--only <name...>'));
  else (await import('./command-line/all-commands.ts')).addAllCommands(program);
  await program.parseAsync();
}

/**
 * Every host runs `apply` again and again. The options of all other commands, and the names of all resources for `--only`
 * and for the help, would take milliseconds.
 */
function isPlainApply([command, ...words]: readonly string[]): boolean {
  return command === 'apply' && words.every((word) => !/^(--only|--help$|-[^-]*h)/.test(word));
}

/** Ends a command that this file carries out itself, such as `--help`, after an error. */
function failed(error: unknown): never {
  process.exit(statusOfFailure(error, { json: JSON_WANTED }));
}
