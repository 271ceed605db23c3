/** The commands that need only a configuration, and no host: check, schema. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CheckOptions } from '../commands/check.ts';
import { write } from '../commands/output/write-sync.ts';
import { runCommand } from './run-command.ts';
import { examples } from './shared-options.ts';

export function addConfigurationCommands(program: Command): void {
  program
    .command('check')
    .description('say whether files are valid configurations; needs neither a host nor root')
    .argument(
      '[file...]',
      'each a configuration of its own, with the agent.d beside it (default: /etc/holdfast/agent.yaml)',
    )
    .addOption(new Option('--config <file>').hideHelp().argParser(namedByArgument))
    .option('--drop-ins <dir>', 'the drop-ins to merge in, in place of the agent.d beside each file')
    .option('--json', 'one JSON document on stdout, and nothing else there')
    .option('--quiet', 'print nothing but errors')
    .option('--no-color', 'no colours')
    .addHelpText(
      'after',
      `\nExit status: 0 all are valid, 1 one is not, or bad usage. Every error is printed with file, line and column.${examples(['agent check', 'agent check site-a.yaml site-b.yaml --json', 'agent check candidate.yaml --drop-ins /etc/holdfast/agent.d'])}`,
    )
    .action((files: string[], options: Omit<CheckOptions, 'files'>) =>
      runCommand<CheckOptions>(
        program,
        async () => (await import('../commands/check.ts')).check,
      )({ ...options, files }),
    );

  program
    .command('schema')
    .description('print the JSON Schema of the configuration, for editors')
    .addHelpText('after', `\nExit status: 0 printed.${examples(['agent schema > agent.schema.json'])}`)
    .action(async () => {
      write(1, (await import('../commands/schema.ts')).runSchema());
    });
}

/** Every other command takes `--config FILE`, so a person tries it here as well. */
function namedByArgument(file: string): never {
  throw new InvalidArgumentError(`The file is an argument here: agent check ${file}`);
}
