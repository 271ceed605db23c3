/** The commands that hold the settings of this host: plan, apply, status, doctor, revert, init, run. */
import type { Command } from 'commander';
import type { CommonOptions } from '../commands/common-options.ts';
import type { ConfirmOptions } from '../commands/confirm.ts';
import type { RevertTrialOptions } from '../commands/revert-trial.ts';
import { addApply } from './apply-command.ts';
import { onlyOption } from './only-option.ts';
import { runCommand } from './run-command.ts';
import { CONFIG_OPTION, examples, hostCommand } from './shared-options.ts';

export function addHoldCommands(program: Command): void {
  hostCommand(program, 'plan', 'show what apply would change, and change nothing', onlyOption())
    .addHelpText(
      'after',
      `\nExit status: 0 nothing differs, 1 bad configuration or usage, 2 something differs.${examples(['agent plan', 'agent plan --only resolver,hooks --json'])}`,
    )
    .action(runCommand(program, async () => (await import('../commands/apply/plan.ts')).plan));

  addApply(program, onlyOption());

  hostCommand(
    program,
    'status',
    'show each setting now, at the next lease and at the next boot, and every running DHCP client',
    onlyOption(),
  )
    .addHelpText(
      'after',
      `\nWithout a configuration it shows resolv.conf, who writes it, and the DHCP clients with what their next event will write.\nExit status: 0 each setting is as wanted, 1 bad configuration or usage, 2 a setting is not, now or at the next lease or boot.${examples(['agent status', 'agent status --json', 'agent status --quiet || echo drift'])}`,
    )
    .action(runCommand(program, async () => (await import('../commands/status.ts')).status));

  hostCommand(program, 'doctor', 'explain what else acts on these settings', onlyOption())
    .addHelpText(
      'after',
      `\nExit status: 0 no problem (but perhaps warnings and notes), 2 a problem. docs/doctor.md explains each code.${examples(['agent doctor', 'agent doctor --only sysctl --json'])}`,
    )
    .action(runCommand(program, async () => (await import('../commands/doctor.ts')).doctor));

  program
    .command('confirm')
    .description('keep the change that is on trial or provisional, whatever its witnesses say')
    .argument('[id]', 'only if the change has this id')
    .option('--json', 'one JSON document on stdout, and nothing else there')
    .option('--quiet', 'print nothing but failures')
    .option('--no-color', 'no colours')
    .addHelpText(
      'after',
      `\nExit status: 0 the change stays, or none is on trial, 1 another change is on trial, 4 its time is over, or the change with this id is neither on trial nor provisional.${examples(['sudo agent confirm', 'sudo agent confirm 3f9c02ab'])}`,
    )
    .action((id: string | undefined, options: CommonOptions) =>
      runCommand<ConfirmOptions>(
        program,
        async () => (await import('../commands/confirm.ts')).confirmChange,
      )({
        ...options,
        ...(id === undefined ? {} : { id }),
      }),
    );

  hostCommand(
    program,
    'revert',
    'put files and values back as they were before the first apply, and remove the hooks',
    onlyOption(),
  )
    .option('--trial [id]', 'put back only the change that is on trial, and read no configuration')
    .addHelpText(
      'after',
      `\nExit status: 0 all is as before, 1 bad usage, or another change is on trial, 4 something was not put back (the reason is printed).${examples(['sudo agent revert', 'sudo agent revert --trial'])}`,
    )
    .action((options: CommonOptions & { trial?: string | true }) =>
      options.trial === undefined
        ? runCommand<CommonOptions>(program, async () => (await import('../commands/revert.ts')).revert)(options)
        : runCommand<RevertTrialOptions>(
            program,
            async () => (await import('../commands/revert-trial.ts')).revertTrial,
          )({ ...options, trial: options.trial }),
    );

  hostCommand(program, 'init', 'write a commented configuration from what the host has now', onlyOption())
    .option('--output <file>', 'the file to write; "-" is stdout (default: the configuration file)')
    .option('--force', 'overwrite an existing file')
    .addHelpText(
      'after',
      `\nExit status: 0 written, 1 the file exists already (nothing touched).${examples(['sudo agent init', 'agent init --output -'])}`,
    )
    .action(runCommand(program, async () => (await import('../commands/init/init.ts')).init));

  program
    .command('run')
    .description('the daemon that the service runs: apply, watch, heal drift, probe and send heartbeats')
    .option(...CONFIG_OPTION)
    .option('--no-color', 'no colours')
    .addHelpText(
      'after',
      `\nSIGHUP makes it read the configuration again. SIGTERM ends it, and the host stays as it is.\nExit status: 0 ended as told, 1 bad configuration or usage (nothing touched), 3 another daemon runs on this host.${examples(['sudo agent run', 'sudo agent run --config /etc/holdfast/agent.yaml'])}`,
    )
    .action(runCommand(program, async () => (await import('../commands/run.ts')).run));
}
