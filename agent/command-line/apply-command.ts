/** The command that most hosts run, apart from the others, so that it loads the options of no other command. */
import type { Command, Option } from 'commander';
import type { ApplyOptions } from '../commands/apply/apply-options.ts';
import { runCommand } from './run-command.ts';
import { examples, hostCommand } from './shared-options.ts';

/** `only`: its option `--only`. */
export function addApply(program: Command, only: Option): void {
  hostCommand(program, 'apply', 'make the host match the configuration, and read the result back', only)
    .option('--detailed-exitcodes', 'as in Puppet: 2 changed, 4 failed, 6 both; and 8: the host waits for its wave')
    .option(
      '--boot',
      'for boot, when the network waits for apply: name servers get a second to prove DNS, and nothing is measured or fetched',
    )
    .option(
      '--confirm',
      'try the change: put it back if it cuts the host off from the collector, a gateway or another witness',
    )
    .option(
      '--no-confirm',
      'make the change without a trial and without waiting for a wave, also if it was put back before',
    )
    .addHelpText(
      'after',
      `\nExit status: 0 the host is as wanted, 1 bad configuration or usage (nothing touched), 4 something failed, or the change was put back, 8 nothing is changed yet, because the host waits for its wave (confirm.waves).${examples(['sudo agent apply', 'sudo agent apply --confirm', 'sudo agent apply --detailed-exitcodes --json', 'agent apply --root /srv/image'])}`,
    )
    .action(runCommand<ApplyOptions>(program, async () => (await import('../commands/apply/apply.ts')).apply));
}
