/** The collector, and the commands that ask a collector: collector, collector forget, retire. */
import type { Command } from 'commander';
import type { ForgetOptions } from '../commands/fleet/collector-forget.ts';
import type { RetireOptions } from '../commands/fleet/retire.ts';
import { runCommand } from './run-command.ts';
import { examples, towards } from './shared-options.ts';

export function addFleetCommands(program: Command): void {
  const collector = program
    .command('collector')
    .description('receive heartbeats and events (OTLP/HTTP), keep them, and show the fleet on a page')
    .option(
      '--listen <host:port>',
      'where; beyond this machine only with a token or client certificates',
      '127.0.0.1:4318',
    )
    .option('--data <dir>', 'the folder of its database', '/var/lib/holdfast/collector')
    .option('--keep <time>', 'how long (s, m, h, d)', '14d')
    .option('--max-size <size>', 'how much on disk (KiB, MiB, GiB, TiB): then the oldest go first', '10GiB')
    .option('--token-file <file>', 'bearer tokens, one a line; read again when it changes')
    .option('--write-token-file <file>', 'bearer tokens that may also change the expected hosts; read again likewise')
    .option('--expect <file>', 'hosts that should report: names or ids, one a line, or an Ansible inventory in JSON')
    .option('--certificate <file>', 'PEM: speak TLS')
    .option('--key <file>', 'PEM: of the certificate')
    .option('--client-ca <file>', 'PEM file of an authority: each client must show a certificate of it')
    .addHelpText(
      'after',
      `\nInstead of a file, credential:NAME takes what systemd hands to the service (LoadCredential=).\nSIGTERM: ends, with all on disk. Exit status: 0 ended as told, 1 cannot run so.${examples(['agent collector', 'agent collector --listen 0.0.0.0:4318 --token-file /etc/holdfast/tokens --certificate cert.pem --key key.pem'])}`,
    )
    .action(async (options) => process.exit(await (await import('../commands/fleet/collector.ts')).collector(options)));

  towards(collector.command('forget <host...>'), 'take silent hosts off the list of expected hosts, by name or id')
    .addHelpText(
      'after',
      `\nA host that reports again is back with all its data. It needs a token of --write-token-file.\nExit status: 0 all are off the list, 1 bad usage, 4 one is not, as said.${examples(['agent collector forget web7 --collector https://collector.example.com:4318 --token-file /root/write-token'])}`,
    )
    // Options that `collector` has as well, such as --token-file, are parsed as its own.
    .action((hosts: string[], _: unknown, forgetting: Command) =>
      runCommand<ForgetOptions>(
        program,
        async () => (await import('../commands/fleet/collector-forget.ts')).forget,
      )({
        ...forgetting.optsWithGlobals<Omit<ForgetOptions, 'hosts'>>(),
        hosts,
      }),
    );

  towards(
    program.command('retire <address>'),
    'say whether an address may be switched off, by what the whole fleet reports',
  )
    .addHelpText(
      'after',
      `\nExit status: 0 safe, 1 bad configuration or usage, 2 not safe, 4 unknown, or the collector does not answer.${examples(['agent retire 10.34.56.78 && terraform destroy -target=module.old_dns', 'agent retire 2001:db8::53 --json --collector http://127.0.0.1:4318'])}`,
    )
    .action((address: string, options: Omit<RetireOptions, 'address'>) =>
      runCommand<RetireOptions>(
        program,
        async () => (await import('../commands/fleet/retire.ts')).retire,
      )({ ...options, address }),
    );
}
