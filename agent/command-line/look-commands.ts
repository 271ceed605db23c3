/** The commands that look at this host, and change nothing that lasts: probe, depends, rehearse. */
import { type Command, Option } from 'commander';
import { LEASE_REASONS } from '../clients/lease-reasons.ts';
import type { CommonOptions } from '../commands/common-options.ts';
import type { DependsOptions } from '../commands/depends/depends.ts';
import type { WatchSendersOptions } from '../commands/depends/watch-senders.ts';
import type { ProbeOptions } from '../commands/read-probes.ts';
import type { RehearseCommandOptions } from '../commands/rehearse.ts';
import type { RehearseWithoutOptions } from '../commands/rehearse-without.ts';
import { PROBE_NAMES } from '../config/desired-daemon.ts';
import { folder, knownNames, words } from './parsed-values.ts';
import { runCommand } from './run-command.ts';
import { CONFIG_OPTION, examples } from './shared-options.ts';

/** Whether a client comes to `BOUND` or to `REBOOT` follows from its lease. */
const PLAYED = LEASE_REASONS.filter((reason) => reason !== 'BOUND');
const REHEARSED =
  '\nIt plays dhclient, dhcpcd, systemd-networkd, NetworkManager and udhcpc: IPv4, DHCPv6 with all but udhcpc (RENEW6 and so on), and router advertisements with dhcpcd, systemd-networkd and NetworkManager. REAPPLY is an event of NetworkManager only.\n\nExit status: 0 as wanted, 1 bad configuration or usage, 2 not as wanted, 4 cannot be rehearsed here.';

export function addLookCommands(program: Command): void {
  program
    .command('probe')
    .description(
      'look once at routes, gateways, memory errors, leases, name servers and multicast, and print what is seen',
    )
    .argument(
      '[name...]',
      `only these probes: ${[...PROBE_NAMES, 'inventory'].join(', ')}`,
      (text: string, earlier: string[] = []) => [...earlier, ...words(text)],
    )
    .option(...CONFIG_OPTION)
    .option('--json', 'one JSON document on stdout, and nothing else there')
    .option('--prometheus', "Prometheus' text format, for a textfile collector")
    .option('--output <file>', 'with --prometheus or --json: into this file, replaced whole; "-" is stdout')
    .option(
      '--list',
      'with route-agreement: name up to 20 routes that only the routing daemon, or only the kernel, has',
    )
    .option('--quiet', 'print nothing but failures')
    .option('--no-color', 'no colours')
    .addHelpText(
      'after',
      `\ndocs/metrics.md explains each metric. The hardware of the machine (inventory) is printed only if you name it.\nExit status: 0 all probes could see, 1 bad configuration or usage, or the file cannot be written, 4 a probe could not see.${examples(['sudo agent probe', 'sudo agent probe egress', 'sudo agent probe routes leases', 'sudo agent probe memory-errors --json', 'sudo agent probe inventory', 'sudo agent probe route-agreement --list', 'sudo agent probe --prometheus --output /var/lib/prometheus/node-exporter/holdfast.prom'])}`,
    )
    .action((names: string[] | undefined, options: Omit<ProbeOptions, 'names'>) =>
      runCommand<ProbeOptions>(
        program,
        async () => (await import('../commands/read-probes.ts')).probe,
      )({
        ...options,
        names: names ?? [],
      }),
    );

  program
    .command('depends')
    .description('show who on this host depends on an address: now, at the next lease, at the next boot')
    .argument('[address...]', 'of a name server, gateway or time server (default: every name server of this host)')
    .option(...CONFIG_OPTION)
    .option('--root <dir>', 'use the files below this folder, and neither the running kernel nor its processes', folder)
    .option('--live', 'with --root: the running kernel and its processes belong to these files')
    .option('--json', 'one JSON document on stdout, and nothing else there')
    .option('--watch <time>', 'watch for this time (s, m, h) who sends anything to the address')
    .option('--quiet', 'print only one sentence, on stderr')
    .option('--no-color', 'no colours')
    .addHelpText(
      'after',
      `\ndocs/depends.md says what it looks at, and what it cannot see.\nExit status: 0 nothing depends on it, 1 bad usage, 2 something does, 4 something could not be seen, so it is unknown.${examples(['sudo agent depends 10.34.56.78', 'sudo agent depends 10.34.56.78 2001:db8::53 --json', 'sudo agent depends', 'sudo agent depends 10.34.56.78 && echo "nothing here needs it"', 'sudo agent depends --watch 60s 10.34.56.78'])}`,
    )
    .action((addresses: string[], { watch, ...options }: Omit<DependsOptions, 'addresses'> & { watch?: string }) =>
      watch === undefined
        ? runCommand<DependsOptions>(
            program,
            async () => (await import('../commands/depends/depends.ts')).depends,
          )({
            ...options,
            addresses,
          })
        : runCommand<WatchSendersOptions>(
            program,
            async () => (await import('../commands/depends/watch-senders.ts')).watchSenders,
          )({
            ...options,
            addresses,
            watch,
          }),
    );

  const rehearse = program
    .command('rehearse')
    .description('play a lease event or a boot in a sandbox, or do without an address for a while')
    .addHelpText(
      'after',
      examples(['sudo agent rehearse lease', 'sudo agent rehearse boot', 'sudo agent rehearse without 10.34.56.78']),
    );

  rehearsal(
    program,
    rehearse,
    'lease',
    'what the next events of the lease would make of resolv.conf, addresses and routes',
  )
    .addOption(new Option('--reason <reason...>', 'only these events').choices(PLAYED).argParser(knownNames(PLAYED)))
    .addHelpText(
      'after',
      `${REHEARSED}${examples(['sudo agent rehearse lease', 'sudo agent rehearse lease eth0 --reason RENEW', 'sudo agent rehearse lease --json'])}`,
    );

  rehearsal(
    program,
    rehearse,
    'boot',
    'what the next start of the machine would make of resolv.conf, addresses, routes and persisted sysctls',
  ).addHelpText(
    'after',
    `${REHEARSED}${examples(['sudo agent rehearse boot', 'sudo agent rehearse boot eth0 --json'])}`,
  );

  // Only a rehearsal starts it, as a process of its own.
  rehearse
    .command('serve', { hidden: true })
    .description('the DHCP server of a rehearsal, which serves one client in its own network namespace')
    .addHelpText('after', '\nExit status: 0 its standard input ended.')
    .action(() =>
      runCommand<CommonOptions>(
        program,
        async () => (await import('../commands/rehearse-serve.ts')).serveRehearsal,
      )({}),
    );

  rehearse
    .command('without')
    .description('do without an address for a while: reject what is sent to it, and say who suffers')
    .argument('<address>', 'a name server, or any other address, that is to be switched off')
    .option('--for <time>', 'how long (s, m, h); the kernel ends it by itself', '60s')
    .option('--name <name>', 'a name to look up meanwhile (default: that of dns.verify, or the host’s own domain)')
    .option(
      '--force',
      'reject it even if it is the only name server that works, the collector, or the address that your terminal comes from',
    )
    .option(...CONFIG_OPTION)
    .option('--json', 'one JSON document on stdout, and nothing else there')
    .option('--quiet', 'print nothing but the result, on stderr')
    .option('--no-color', 'no colours')
    .addHelpText(
      'after',
      `\nExit status: 0 nobody suffered, 1 bad configuration or usage, 2 somebody did, 4 cannot be rehearsed here, or ended early.${examples(['sudo agent rehearse without 10.34.56.78', 'sudo agent rehearse without 10.34.56.78 --for 10m --name www.example.com'])}`,
    )
    .action((address: string, options: Omit<RehearseWithoutOptions, 'address'>) =>
      runCommand<RehearseWithoutOptions>(
        program,
        async () => (await import('../commands/rehearse-without.ts')).rehearseWithout,
      )({
        ...options,
        address,
      }),
    );
}

function rehearsal(program: Command, rehearse: Command, name: 'lease' | 'boot', description: string): Command {
  return rehearse
    .command(name)
    .description(description)
    .argument('[iface]', 'only this interface (default: every interface with a lease)')
    .option(...CONFIG_OPTION)
    .option('--json', 'one JSON document on stdout, and nothing else there')
    .option('--quiet', 'print nothing but problems')
    .option('--no-color', 'no colours')
    .action((iface: string | undefined, options: Omit<RehearseCommandOptions, 'occasion'>) =>
      runCommand<RehearseCommandOptions>(
        program,
        async () => (await import('../commands/rehearse.ts')).rehearse,
      )({
        ...options,
        occasion: name,
        ...(iface === undefined ? {} : { iface }),
      }),
    );
}
