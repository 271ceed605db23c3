/** Options that several commands share, in the words of their help. */
import type { Command, Option } from 'commander';
import { folder } from './parsed-values.ts';

export const CONFIG_OPTION = [
  '--config <file>',
  'the configuration (default: /etc/holdfast/agent.yaml); agent.d/*.yaml beside it are merged in',
] as const;

/** A command that reads the configuration of a host, and looks at its files. `only`: its option `--only`. */
export function hostCommand(program: Command, name: string, description: string, only: Option): Command {
  return program
    .command(name)
    .description(description)
    .option(...CONFIG_OPTION)
    .option('--root <dir>', 'use the files below this folder, and neither the running kernel nor its processes', folder)
    .option('--live', 'with --root: the running kernel and its processes belong to these files')
    .addOption(only)
    .option('--json', 'one JSON document on stdout, and nothing else there')
    .option('--quiet', 'print nothing but failures')
    .option('--no-color', 'no colours');
}

/** A command that asks a collector. */
export function towards(command: Command, description: string): Command {
  return command
    .description(description)
    .option(
      '--collector <url>',
      'the collector to ask (default: report.endpoint of the configuration, with its credentials)',
    )
    .option('--token-file <file>', 'with --collector: the file of the bearer token')
    .option('--ca <file>', 'with --collector: PEM file of the authority that signed its certificate')
    .option('--certificate <file>', 'with --collector: PEM file of the certificate to show to it')
    .option('--key <file>', 'with --collector: PEM file of the key of that certificate')
    .option(...CONFIG_OPTION)
    .option('--json', 'one JSON document on stdout, and nothing else there')
    .option('--quiet', 'print nothing but failures')
    .option('--no-color', 'no colours');
}

/** The last lines of a command's help. */
export function examples(lines: readonly string[]): string {
  return `\nExample${lines.length > 1 ? 's' : ''}:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}
