/** Completions for bash, zsh and fish, made from the commands and options of the program's own parser. */
import type { Argument, Command, Option } from 'commander';
import { visibleCommands } from './visible-commands.ts';

/** A command with what may follow it; `path` is '' for the program itself, else 'plan' or 'rehearse lease'. */
interface Node {
  readonly path: string;
  readonly subcommands: readonly Command[];
  readonly options: readonly Option[];
}

/** For bash-completion's folder, as the file `agent`. */
export function bash(program: Command): string {
  const all = nodes(program);
  const words = (node: Node) => [
    ...node.subcommands.map((command) => command.name()),
    ...node.options.flatMap((option) => [option.short, option.long].filter((flag) => flag !== undefined)),
    ...argumentChoices(program, node),
  ];
  const values = unique(all.flatMap(({ options }) => options).filter((option) => option.required));
  return `# agent(8)
_agent() {
    local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command= word n
    for ((n = 1; n < COMP_CWORD; n++)); do
        word=\${COMP_WORDS[n]}
        case "$command $word" in
${all
  .filter(({ path }) => path !== '')
  .map(({ path }) => `            "${path.includes(' ') ? path : ` ${path}`}") command="${path}" ;;`)
  .join('\n')}
        esac
    done
    COMPREPLY=()
    case $previous in
${values.map((option) => `        ${option.long}) ${bashValue(option)}; return ;;`).join('\n')}
    esac
    case $command in
${all.map((node) => `        "${node.path}") mapfile -t COMPREPLY < <(compgen -W "${words(node).join(' ')}" -- "$current") ;;`).join('\n')}
    esac
}
complete -F _agent agent
`;
}

/** For zsh's function path, as the file `_agent`. */
export function zsh(program: Command): string {
  const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const spec = (text: string) => text.replaceAll('[', '\\[').replaceAll(']', '\\]').replaceAll(':', '\\:');
  const option = (one: Option) => {
    const known = choices(one);
    const list = known && (one.variadic ? `_values -s , name ${known.join(' ')}` : `(${known.join(' ')})`);
    const value = one.required ? `:value:${list ?? files(one)}` : '';
    return quote(`${one.variadic ? '*' : ''}${one.long}[${spec(one.description)}]${value}`);
  };
  const body = (node: Node): string => {
    const own = node.options.map(option).join(' ');
    if (node.subcommands.length === 0)
      return `    _arguments ${own} ${argumentSpec(argumentChoices(program, node), argumentsOf(program, node))}`.trimEnd();
    const below = node.subcommands.map((one) => quote(`${one.name()}:${spec(one.description())}`)).join(' ');
    return `    local -a commands=(${below})
    _arguments -C ${own} '1: :{_describe command commands}' '*:: :->rest'
    [[ $state == rest ]] || return
    case $words[1] in
${node.subcommands.map((one) => `        ${one.name()}) _agent_${functionName(`${node.path} ${one.name()}`)} ;;`).join('\n')}
    esac`;
  };
  const functions = nodes(program).map(
    (node) => `_agent${node.path === '' ? '' : `_${functionName(node.path)}`}() {\n    local state\n${body(node)}\n}\n`,
  );
  return `#compdef agent\n\n${functions.join('\n')}\n_agent "$@"\n`;
}

function argumentSpec(known: readonly string[], taken: readonly Argument[] | undefined): string {
  if (known.length > 0) return `'*: :(${known.join(' ')})'`;
  return taken ? "'*: :_default'" : '';
}

/** For fish's vendor_completions.d, as the file `agent.fish`. */
export function fish(program: Command): string {
  const quote = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = nodes(program).flatMap((node) => {
    const condition = quote(where(node));
    return [
      ...node.subcommands.map(
        (one) => `complete -c agent -f -n ${condition} -a ${one.name()} -d ${quote(one.description())}`,
      ),
      ...argumentChoices(program, node).map((name) => `complete -c agent -f -n ${condition} -a ${name}`),
      ...node.options.map((one) => {
        const known = choices(one);
        const value = !one.required
          ? ''
          : known
            ? ` -x -a ${quote(one.variadic ? `(__fish_append , ${known.join(' ')})` : known.join(' '))}`
            : files(one) === ''
              ? ' -x'
              : ' -r -F';
        return `complete -c agent -n ${condition} -l ${one.long!.slice(2)}${value} -d ${quote(one.description)}`;
      }),
    ];
  });
  return `# agent(8)\n${lines.join('\n')}\n`;
}

function nodes(program: Command, path = ''): Node[] {
  const visible = program.createHelp().visibleOptions(program);
  const subcommands = visibleCommands(program);
  const below = subcommands.flatMap((one) => nodes(one, `${path} ${one.name()}`.trim()));
  return [{ path, subcommands, options: visible }, ...below];
}

function where({ path, subcommands }: Node): string {
  const [command, below] = path.split(' ');
  if (path === '') return '__fish_use_subcommand';
  const seen = `__fish_seen_subcommand_from ${command}`;
  if (below !== undefined) return `${seen}; and __fish_seen_subcommand_from ${below}`;
  const further = subcommands.map((one) => one.name()).join(' ');
  return further === '' ? seen : `${seen}; and not __fish_seen_subcommand_from ${further}`;
}

function bashValue(option: Option): string {
  const known = choices(option);
  // In a list with commas, the last name is completed.
  if (known && option.variadic)
    return `mapfile -t COMPREPLY < <(compgen -P "\${current%"\${current##*,}"}" -W "${known.join(' ')}" -- "\${current##*,}")`;
  if (known) return `mapfile -t COMPREPLY < <(compgen -W "${known.join(' ')}" -- "$current")`;
  return files(option) === ''
    ? ':'
    : `mapfile -t COMPREPLY < <(compgen -${files(option) === '_files -/' ? 'd' : 'f'} -- "$current")`;
}

/** The completion of zsh for a value that is no choice of a few words. */
function files({ flags }: Option): string {
  if (flags.includes('<dir>')) return '_files -/';
  return flags.includes('<file>') || /--(certificate|key|client-ca)\b/.test(flags) ? '_files' : '';
}

/**
 * The possible values of an option or argument: its choices, or the words after the colon of its description, as for
 * `--only`.
 */
function choices({ argChoices, description }: Option | Argument): readonly string[] | undefined {
  if (argChoices) return argChoices;
  const [, listed] = /^only these [a-z]+: ([a-z, -]+)$/.exec(description) ?? [];
  return listed?.split(', ');
}

function argumentChoices(program: Command, node: Node): readonly string[] {
  return (argumentsOf(program, node) ?? []).flatMap((argument) => choices(argument) ?? []);
}

function argumentsOf(program: Command, { path }: Node): readonly Argument[] | undefined {
  let command: Command | undefined = program;
  for (const name of path.split(' ')) command = command?.commands.find((one) => one.name() === name);
  return command && command.registeredArguments.length > 0 ? command.registeredArguments : undefined;
}

function functionName(path: string): string {
  return path.trim().replaceAll(' ', '_');
}

function unique(options: readonly Option[]): Option[] {
  return [...new Map(options.map((option) => [option.long, option])).values()];
}
