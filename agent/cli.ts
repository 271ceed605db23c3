/** The command line, with one line for each command. The code of a command is loaded when the command is called. */
import { existsSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { ApplyOptions } from './commands/apply/apply.ts';
import type { CheckOptions } from './commands/check.ts';
import type { CommonOptions } from './commands/common-options.ts';
import { VERSION } from './commands/context/version.ts';
import type { DependsOptions } from './commands/depends/depends.ts';
import type { WatchSendersOptions } from './commands/depends/watch-senders.ts';
import type { ForgetOptions } from './commands/fleet/collector-forget.ts';
import type { RetireOptions } from './commands/fleet/retire.ts';
import { EXIT, printJson, reportFailure } from './commands/output/output.ts';
import { write } from './commands/output/write-sync.ts';
import type { ProbeOptions } from './commands/read-probes.ts';
import type { RehearseCommandOptions } from './commands/rehearse.ts';
import type { RehearseWithoutOptions } from './commands/rehearse-without.ts';
import { PROBE_NAMES } from './config/desired-daemon.ts';
import { RESOURCE_NAMES } from './hold/resource-names.ts';

/** With --json, wrong usage is also reported as one JSON document, and wrong options are not parsed. */
const JSON_WANTED = process.argv.includes('--json');

const CONFIG_OPTION = [
  '--config <file>',
  'the configuration (default: /etc/holdfast/agent.yaml); agent.d/*.yaml beside it are merged in',
] as const;

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
    `\nExit status: 0 as asked, 1 bad configuration or usage; others stand in the help of each command.${examples(['sudo agent init', 'agent plan', 'sudo agent apply', 'agent status'])}`,
  );

command('plan', 'show what apply would change, and change nothing')
  .addHelpText(
    'after',
    `\nExit status: 0 nothing differs, 1 bad configuration or usage, 2 something differs.${examples(['agent plan', 'agent plan --only resolver,hooks --json'])}`,
  )
  .action(run(async () => (await import('./commands/apply/plan.ts')).plan));

command('apply', 'make the host what the configuration says, and read it back')
  .option('--detailed-exitcodes', 'as in Puppet: 2 changed, 4 failed, 6 both')
  .option(
    '--boot',
    'the network waits for it: name servers get a second to prove DNS, and nothing is measured or fetched',
  )
  .addHelpText(
    'after',
    `\nExit status: 0 the host is as wanted, 1 bad configuration or usage (nothing touched), 4 something failed.${examples(['sudo agent apply', 'sudo agent apply --detailed-exitcodes --json', 'agent apply --root /srv/image'])}`,
  )
  .action(run<ApplyOptions>(async () => (await import('./commands/apply/apply.ts')).apply));

command('status', 'show each setting now, at the next lease and at the next boot, and every running DHCP client')
  .addHelpText(
    'after',
    `\nWithout a configuration it shows resolv.conf, who writes it, and the DHCP clients with what their next event will write.\nExit status: 0 each setting is as wanted, 1 bad configuration or usage, 2 one is not, now or at the next lease or boot.${examples(['agent status', 'agent status --json', 'agent status --quiet || echo drift'])}`,
  )
  .action(run(async () => (await import('./commands/status.ts')).status));

command('doctor', 'explain what else acts on these settings')
  .addHelpText(
    'after',
    `\nExit status: 0 no problem (warnings and notes may be), 2 a problem. Each code is explained in docs/doctor.md.${examples(['agent doctor', 'agent doctor --only sysctl --json'])}`,
  )
  .action(run(async () => (await import('./commands/doctor.ts')).doctor));

command('revert', 'put files and values back as they were before the first apply, and remove the hooks')
  .addHelpText(
    'after',
    `\nExit status: 0 all is as before, 1 bad usage, 4 something is left, as said.${examples(['sudo agent revert'])}`,
  )
  .action(run(async () => (await import('./commands/revert.ts')).revert));

command('init', 'write a commented configuration from what the host has now')
  .option('--output <file>', 'where to; "-" is stdout (default: the configuration file)')
  .option('--force', 'overwrite an existing file')
  .addHelpText(
    'after',
    `\nExit status: 0 written, 1 a file is there already (nothing touched).${examples(['sudo agent init', 'agent init --output -'])}`,
  )
  .action(run(async () => (await import('./commands/init/init.ts')).init));

program
  .command('run')
  .description('hold the configuration, look, and report, until it is told to end: what the service does')
  .option(...CONFIG_OPTION)
  .option('--no-color', 'no colours')
  .addHelpText(
    'after',
    `\nSIGHUP: reads the configuration again. SIGTERM: ends, and leaves the host as it is.\nExit status: 0 ended as told, 1 bad configuration or usage (nothing touched), 3 another one runs on this host.${examples(['sudo agent run', 'sudo agent run --config /etc/holdfast/agent.yaml'])}`,
  )
  .action(run(async () => (await import('./commands/run.ts')).run));

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
  .option('--quiet', 'print nothing but failures')
  .option('--no-color', 'no colours')
  .addHelpText(
    'after',
    `\nEach metric is explained in docs/metrics.md. inventory is printed only where it is named: what the machine is made of.\nExit status: 0 all could see, 1 bad configuration or usage, or FILE cannot be written, 4 one could not see.${examples(['sudo agent probe', 'sudo agent probe egress', 'sudo agent probe routes leases', 'sudo agent probe memory-errors --json', 'sudo agent probe inventory', 'sudo agent probe --prometheus --output /var/lib/prometheus/node-exporter/holdfast.prom'])}`,
  )
  .action((names: string[] | undefined, options: Omit<ProbeOptions, 'names'>) =>
    run<ProbeOptions>(async () => (await import('./commands/read-probes.ts')).probe)({
      ...options,
      names: names ?? [],
    }),
  );

program
  .command('depends')
  .description('show who on this host depends on an address: now, at the next lease, at the next boot')
  .argument('[address...]', 'of a name server, gateway or time server (default: every name server of this host)')
  .option(...CONFIG_OPTION)
  .option('--root <dir>', 'all files below this folder; the running kernel and its processes are skipped', folder)
  .option('--live', 'with --root: the running kernel and its processes belong to these files')
  .option('--json', 'one JSON document on stdout, and nothing else there')
  .option('--watch <time>', 'watch for so long (s, m, h) who sends anything to the one address')
  .option('--quiet', 'print only one sentence, on stderr')
  .option('--no-color', 'no colours')
  .addHelpText(
    'after',
    `\nWhat it looks at, and what it cannot see, stands in docs/depends.md.\nExit status: 0 nothing depends on it, 1 bad usage, 2 something does, 4 something could not be seen, so it is unknown.${examples(['sudo agent depends 10.34.56.78', 'sudo agent depends 10.34.56.78 2001:db8::53 --json', 'sudo agent depends', 'sudo agent depends 10.34.56.78 && echo "nothing here needs it"', 'sudo agent depends --watch 60s 10.34.56.78'])}`,
  )
  .action((addresses: string[], { watch, ...options }: Omit<DependsOptions, 'addresses'> & { watch?: string }) =>
    watch === undefined
      ? run<DependsOptions>(async () => (await import('./commands/depends/depends.ts')).depends)({
          ...options,
          addresses,
        })
      : run<WatchSendersOptions>(async () => (await import('./commands/depends/watch-senders.ts')).watchSenders)({
          ...options,
          addresses,
          watch,
        }),
  );

const rehearse = program
  .command('rehearse')
  .description(
    'play a lease event or a boot where nothing of it reaches the host, or do without an address for a while',
  );
const REASONS = ['RENEW', 'REBIND', 'REBOOT', 'TIMEOUT', 'EXPIRE'] as const;
const REHEARSED =
  '\nExit status: 0 as wanted, 1 bad configuration or usage, 2 it would not be as wanted, 4 it cannot be rehearsed here.';

rehearsal('lease', 'what the next events of the lease would make of resolv.conf, addresses and routes')
  .addOption(new Option('--reason <reason...>', 'only these events').choices(REASONS).argParser(namesOf(REASONS)))
  .addHelpText(
    'after',
    `${REHEARSED}${examples(['sudo agent rehearse lease', 'sudo agent rehearse lease eth0 --reason RENEW', 'sudo agent rehearse lease --json'])}`,
  );

rehearsal('boot', 'what the next start of the machine would make of them, and of the persisted sysctls').addHelpText(
  'after',
  `${REHEARSED}${examples(['sudo agent rehearse boot', 'sudo agent rehearse boot eth0 --json'])}`,
);

rehearse
  .command('without')
  .description('do without an address for a while: reject what is sent to it, and say who suffers')
  .argument('<address>', 'a name server, or any other address, that is to be switched off')
  .option('--for <time>', 'how long (s, m, h); the kernel ends it by itself', '60s')
  .option('--name <name>', 'a name to look up meanwhile (default: that of dns.verify, or the host’s own domain)')
  .option('--force', 'also if it is the only name server that works, the collector, or where your terminal comes from')
  .option(...CONFIG_OPTION)
  .option('--json', 'one JSON document on stdout, and nothing else there')
  .option('--quiet', 'print nothing but the result, on stderr')
  .option('--no-color', 'no colours')
  .addHelpText(
    'after',
    `\nExit status: 0 nobody suffered, 1 bad configuration or usage, 2 somebody did, 4 it cannot be rehearsed here, or ended early.${examples(['sudo agent rehearse without 10.34.56.78', 'sudo agent rehearse without 10.34.56.78 --for 10m --name www.example.com'])}`,
  )
  .action((address: string, options: Omit<RehearseWithoutOptions, 'address'>) =>
    run<RehearseWithoutOptions>(async () => (await import('./commands/rehearse-without.ts')).rehearseWithout)({
      ...options,
      address,
    }),
  );

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
  .action(async (options) => process.exit(await (await import('./commands/fleet/collector.ts')).collector(options)));

towards(collector.command('forget <host...>'), 'take silent hosts off the list of expected hosts, by name or id')
  .addHelpText(
    'after',
    `\nA host that reports again is back with all its data. It needs a token of --write-token-file.\nExit status: 0 all are off the list, 1 bad usage, 4 one is not, as said.${examples(['agent collector forget web7 --collector https://collector.example.com:4318 --token-file /root/write-token'])}`,
  )
  // Options that `collector` has as well, such as --token-file, are parsed as its own.
  .action((hosts: string[], _: unknown, forgetting: Command) =>
    run<ForgetOptions>(async () => (await import('./commands/fleet/collector-forget.ts')).forget)({
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
    run<RetireOptions>(async () => (await import('./commands/fleet/retire.ts')).retire)({ ...options, address }),
  );

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
    run<CheckOptions>(async () => (await import('./commands/check.ts')).check)({ ...options, files }),
  );

program
  .command('schema')
  .description('print the JSON Schema of the configuration, for editors')
  .addHelpText('after', `\nExit status: 0 printed.${examples(['agent schema > agent.schema.json'])}`)
  .action(async () => {
    write(1, (await import('./commands/schema.ts')).runSchema());
  });

if (import.meta.main) {
  // Files that others may read get their mode explicitly.
  process.umask(0o077);
  program.parseAsync().catch(failed);
}

function rehearsal(name: 'lease' | 'boot', description: string): Command {
  return rehearse
    .command(name)
    .description(description)
    .argument('[iface]', 'only this interface (default: every interface of a dhclient)')
    .option(...CONFIG_OPTION)
    .option('--json', 'one JSON document on stdout, and nothing else there')
    .option('--quiet', 'print nothing but problems')
    .option('--no-color', 'no colours')
    .action((iface: string | undefined, options: Omit<RehearseCommandOptions, 'occasion'>) =>
      run<RehearseCommandOptions>(async () => (await import('./commands/rehearse.ts')).rehearse)({
        ...options,
        occasion: name,
        ...(iface === undefined ? {} : { iface }),
      }),
    );
}

/** A command with the options that all of them share. */
function command(name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option(...CONFIG_OPTION)
    .option('--root <dir>', 'all files below this folder; the running kernel and its processes are skipped', folder)
    .option('--live', 'with --root: the running kernel and its processes belong to these files')
    .addOption(
      new Option('--only <name...>', `only these resources: ${RESOURCE_NAMES.join(', ')}`).argParser(
        namesOf(RESOURCE_NAMES),
      ),
    )
    .option('--json', 'one JSON document on stdout, and nothing else there')
    .option('--quiet', 'print nothing but failures')
    .option('--no-color', 'no colours');
}

/** A command that asks a collector. */
function towards(command: Command, description: string): Command {
  return command
    .description(description)
    .option(
      '--collector <url>',
      'where it listens (default: report.endpoint of the configuration, with its credentials)',
    )
    .option('--token-file <file>', 'with --collector: the bearer token')
    .option('--ca <file>', 'with --collector: PEM, the authority of its certificate')
    .option('--certificate <file>', 'with --collector: PEM, to show to it')
    .option('--key <file>', 'with --collector: PEM, of the certificate')
    .option(...CONFIG_OPTION)
    .option('--json', 'one JSON document on stdout, and nothing else there')
    .option('--quiet', 'print nothing but failures')
    .option('--no-color', 'no colours');
}

/**
 * Loads the command's code, runs it, and exits with its status. It exits at once: the output is already written, and
 * tearing down the whole heap would cost milliseconds.
 */
function run<T extends CommonOptions>(load: () => Promise<(options: T) => Promise<number>>) {
  return async (options: T & { color?: boolean }) => {
    if (options.color === false || program.opts().color === false) process.env.NO_COLOR = '1';
    process.exit(
      await load()
        .then((command) => command(options))
        .catch((error) => report(error, options)),
    );
  };
}

/** Ends a command that this file carries out itself, such as `--help`, after an error. */
function failed(error: unknown): never {
  process.exit(report(error, { json: JSON_WANTED }));
}

/** With --json the report goes to stdout. If stdout takes nothing, stderr gets a sentence. */
function report(error: unknown, options: CommonOptions): number {
  for (const json of options.json ? [true, false] : [false]) {
    try {
      return reportFailure(error, { json });
    } catch {
      // This output takes nothing.
    }
  }
  return EXIT.failed;
}

/** Every other command takes `--config FILE`, so a person tries it here as well. */
function namedByArgument(file: string): never {
  throw new InvalidArgumentError(`The file is an argument here: agent check ${file}`);
}

/** An empty text is a script's unset variable, and does not mean the current folder. */
function folder(path: string): string {
  if (path === '' || !existsSync(`${path}/.`)) throw new InvalidArgumentError('There is no such folder.');
  return path;
}

/** Parses names that stand in one word (`hooks,resolver`), in several words, or both. */
function namesOf<T extends string>(known: readonly T[]) {
  return (text: string, earlier: readonly T[] = []): readonly T[] => [
    ...earlier,
    ...words(text).map((word) => {
      const name = known.find((candidate) => candidate === word);
      if (name !== undefined) return name;
      throw new InvalidArgumentError(`"${word}" is none of ${known.join(', ')}.`);
    }),
  ];
}

/** An empty text is one empty word, which is no name: a script's unset variable does not mean all names. */
function words(text: string): string[] {
  return text.split(/[\s,]+/).filter((word, _, all) => word !== '' || all.every((one) => one === ''));
}

function examples(lines: readonly string[]): string {
  return `\nExample${lines.length > 1 ? 's' : ''}:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}
