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
      'the address to listen on; one beyond this machine needs a token or client certificates',
      '127.0.0.1:4318',
    )
    .option('--data <dir>', 'the folder of the database', '/var/lib/holdfast/collector')
    .option('--keep <time>', 'how long to keep data (s, m, h, d)', '14d')
    .option(
      '--max-size <size>',
      'the most to keep on disk (KiB, MiB, GiB, TiB); beyond it the oldest data go first',
      '10GiB',
    )
    .option('--token-file <file>', 'bearer tokens, one a line; read again when it changes')
    .option(
      '--write-token-file <file>',
      'bearer tokens that may also change the expected hosts, retire a host, and stop a rollout or let it go on; read again when it changes',
    )
    .option('--expect <file>', 'hosts that should report: names or ids, one a line, or an Ansible inventory in JSON')
    .option(
      '--waves <sizes>',
      'how many hosts with confirm.waves take a change at first, then, and so on: numbers, which include the hosts of earlier waves, or shares of all hosts; the last is 100%',
      '1,1%,10%,100%',
    )
    .option('--waves-stop-after <hosts>', 'stop a rollout when so many of its changes were put back', '1')
    .option('--certificate <file>', 'PEM file of the certificate: serve TLS')
    .option('--key <file>', 'PEM file of the key of the certificate')
    .option('--client-ca <file>', 'PEM file of an authority: each client must show a certificate of this authority')
    .addHelpText(
      'after',
      `\ncredential:NAME in place of a file takes the credential that systemd hands to the service (LoadCredential=).\nSIGTERM ends it, with all data on disk.\nExit status: 0 ended as told, 1 bad usage, or it cannot start.${examples(['agent collector', 'agent collector --listen 0.0.0.0:4318 --token-file /etc/holdfast/tokens --certificate cert.pem --key key.pem', 'agent collector --waves 1,5,20%,100% --waves-stop-after 2'])}`,
    )
    .action(async (options) => process.exit(await (await import('../commands/fleet/collector.ts')).collector(options)));

  towards(collector.command('forget <host...>'), 'take silent hosts off the list of expected hosts, by name or id')
    .addHelpText(
      'after',
      `\nA host that reports again is back with all its data. The token must be one of the collector's --write-token-file.\nExit status: 0 all are off the list, 1 bad usage, 4 one is not (the reason is printed).${examples(['agent collector forget web7 --collector https://collector.example.com:4318 --token-file /root/write-token'])}`,
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
    'say whether an address may be switched off, from the reports of the whole fleet',
  )
    .addHelpText(
      'after',
      `\nExit status: 0 safe, 1 bad configuration or usage, 2 not safe, 4 unknown, or the collector does not answer.${examples(['agent retire 10.34.56.78', 'agent retire 10.34.56.78 && terraform destroy -target=module.old_dns', 'agent retire 2001:db8::53 --json --collector http://127.0.0.1:4318'])}`,
    )
    .action((address: string, options: Omit<RetireOptions, 'address'>) =>
      runCommand<RetireOptions>(
        program,
        async () => (await import('../commands/fleet/retire.ts')).retire,
      )({ ...options, address }),
    );
}
