/** agent(8) and agent.yaml(5) in man(7) markup, made from the texts of `--help` and of the configuration's schema. */
import type { Command, Option } from 'commander';
import { visibleCommands } from './visible-commands.ts';

/** A page that man(1), `mandoc -Tlint` and lintian take without a warning. `date`: as in 2026-11-22. */
export function commandPage(program: Command, version: string, date: string): string {
  // A command that only groups others has no options of its own.
  const commands = visibleCommands(program).flatMap((command) => {
    const below = visibleCommands(command);
    return below.length === 0 || command.options.length > 0 ? [command, ...below] : below;
  });
  return page([
    `.TH AGENT 8 ${date} "Holdfast ${version}" "System Manager's Manual"`,
    '.SH NAME',
    `agent, holdfast \\- keep a host's network settings through every lease and reboot`,
    '.SH SYNOPSIS',
    '.B agent',
    '.I command',
    '.RI [ options ]',
    '.SH DESCRIPTION',
    ...prose(program.description()),
    'Nothing on the host is changed before',
    '.I /etc/holdfast/agent.yaml',
    'exists and is valid as a whole.',
    '.SH OPTIONS',
    ...optionsOf(program),
    '.SH COMMANDS',
    ...commands.flatMap(commandSection),
    '.SH EXIT STATUS',
    'Each command describes its own exit statuses. Common statuses:',
    ...item('0', 'Success: the host is as wanted.'),
    ...item('1', 'Bad configuration or usage: nothing was touched.'),
    ...item(
      '2',
      'Something differs, is a problem, or depends on the address. apply --detailed-exitcodes: something was changed.',
    ),
    ...item('3', 'Another daemon runs on this host.'),
    ...item('4', 'Something failed, or could not be seen. 6: something failed, and something was changed.'),
    '.SH FILES',
    ...item('/etc/holdfast/agent.yaml', 'The configuration; see agent.yaml(5).'),
    ...item('/etc/holdfast/agent.d/*.yaml', 'Merged into it, in the order of their names.'),
    ...item('/var/lib/holdfast', 'The originals from before the first apply, and reports that wait for the collector.'),
    ...item('/run/holdfast', 'The lock, and records of the last lease events. Gone after a reboot.'),
    '.SH SEE ALSO',
    '.BR agent.yaml (5),',
    '.BR resolv.conf (5),',
    '.BR dhclient.conf (5),',
    '.BR sysctl.d (5)',
    '.br',
    'Further documentation is in',
    '.IR /usr/share/doc/holdfast .',
  ]);
}

/** The parts of a JSON Schema (draft 2020-12) that the configuration's has. */
export interface Schema {
  readonly description?: string;
  readonly examples?: readonly unknown[];
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

export function configurationPage(schema: Schema, version: string, date: string): string {
  return page([
    `.TH AGENT.YAML 5 ${date} "Holdfast ${version}" "File Formats Manual"`,
    '.SH NAME',
    'agent.yaml \\- the network settings of a host',
    '.SH DESCRIPTION',
    'One YAML file,',
    '.IR /etc/holdfast/agent.yaml ,',
    'and then',
    '.I agent.d/*.yaml',
    ...prose(
      'beside it in the order of their names: maps are merged deeply, a list or a value replaces the earlier one whole.',
    ),
    'Every key may be left out. Holdfast leaves a setting without a key alone.',
    'As root, agent refuses a file that other users could change.',
    '.SH KEYS',
    ...keys(schema, ''),
    '.SH SEE ALSO',
    '.BR agent (8)',
  ]);
}

function commandSection(command: Command): string[] {
  const named = command.registeredArguments.map((argument) => {
    const dots = argument.variadic ? '...' : '';
    return argument.required ? ` ${argument.name()}${dots}` : ` [${argument.name()}${dots}]`;
  });
  return [
    `.SS "agent ${fullName(command)}${roff(named.join(''))}"`,
    ...prose(sentence(command.description())),
    ...optionsOf(command),
    ...afterOptions(command),
  ];
}

function fullName(command: Command): string {
  const above = command.parent;
  return above === null || above.parent === null ? command.name() : `${fullName(above)} ${command.name()}`;
}

function optionsOf(command: Command): string[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .filter(isOwn)
    .flatMap((option) => {
      const flags = option.flags.split(/(?=<)|, /).map((part) => part.trim());
      const shown = flags.map((part) =>
        part.startsWith('<') ? `\\fI${roff(part.slice(1, -1))}\\fR` : `\\fB${roff(part)}\\fR`,
      );
      const text = command.createHelp().optionDescription(option);
      return ['.TP', shown.join(option.flags.includes(', ') ? ', ' : ' '), ...prose(sentence(text))];
    });
}

function isOwn(option: Option): boolean {
  return option.long !== '--help';
}

/** What the program adds to a command's help: its exit status, and examples, indented. */
function afterOptions(command: Command): string[] {
  let help = '';
  const before = command.configureOutput();
  command.configureOutput({
    ...before,
    writeOut: (text) => {
      help += text;
    },
  });
  command.outputHelp();
  command.configureOutput(before);
  const added = help
    .slice(command.helpInformation().length)
    .split('\n')
    .filter((line) => line !== '');
  return added.flatMap((line, n) => {
    if (!line.startsWith('  ')) return ['.PP', ...prose(line)];
    const first = !added[n - 1]?.startsWith('  ');
    const last = !added[n + 1]?.startsWith('  ');
    return [...(first ? ['.PP', '.nf', '.RS 4'] : []), roff(line.trim()), ...(last ? ['.RE', '.fi'] : [])];
  });
}

/** Each key below `schema` that has a meaning of its own, by its whole name. */
function keys(schema: Schema, prefix: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, entry]) => {
    const key = `${prefix}${name}`;
    const own = entry.description === undefined ? [] : ['.TP', `.B ${roff(key)}`, ...prose(entry.description)];
    const shown = entry.examples?.map((example) => roff(`${name}: ${flow(example)}`)) ?? [];
    const examples = shown.length === 0 ? [] : ['.RS', '.PP', '.nf', ...shown, '.fi', '.RE'];
    return [
      ...own,
      ...examples,
      ...[entry, ...(entry.items ? [entry.items] : []), ...(entry.anyOf ?? [])].flatMap((one) => keys(one, `${key}.`)),
    ];
  });
}

/** YAML in one line. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{ ${Object.entries(value)
      .map(([name, one]) => `${name}: ${flow(one)}`)
      .join(', ')} }`;
  }
  return typeof value === 'string' && /[:#,[\]{}]\s|^\d+$/.test(value) ? JSON.stringify(value) : String(value);
}

function item(name: string, text: string): string[] {
  return ['.TP', `.I ${roff(name)}`, ...prose(text)];
}

function sentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return capital.endsWith('.') ? capital : `${capital}.`;
}

/** Words in lines of at most 78 bytes. */
function prose(text: string): string[] {
  return (text.match(/\S.{0,70}(?=\s|$)|\S+/g) ?? []).map(roff);
}

/** ASCII only, without anything that man(7) would take as markup. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('`', '"')
    .replaceAll('’', "'")
    .replaceAll('→', '->')
    .replace(
      /[^\x00-\x7f]/g,
      (character) => `\\[u${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}]`,
    )
    .replace(/^(?=[.'])/gm, '\\&');
}

function page(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}
