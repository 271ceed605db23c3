/**
 * Whether another hook certainly leaves resolv.conf and the offer alone. A hook is harmless if it runs only known
 * programs, and writes only files whose names differ from resolv.conf. All other hooks are uncertain, and a rehearsal
 * (agent/rehearse) plays them.
 */
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import { allCommands, type ShellCommand } from './shell.ts';

/** A command that may do harm. */
export interface Doubt {
  /** From 1. */
  readonly line: number;
  /** The possible harm, as the rest of a sentence after "line N". */
  readonly why: string;
}

/** Shell words and programs that change no file, or only the file that they are redirected into. */
const HARMLESS = new Set(
  `: [ [[ test true false return break continue shift set unset export local declare typeset readonly read getopts umask
  wait cd pwd type hash ulimit let echo printf kill exit if then else elif fi for do done while until case in esac select { } ! time function
  cat grep egrep fgrep zgrep cut tr head tail uniq wc expr seq date id uname basename dirname readlink realpath stat ls which
  sleep logger ip ifconfig route arping ping run-parts systemd-notify mkdir rmdir md5sum sha256sum cmp diff
  ntpdate ntpq chronyc nsupdate rdate hwclock killall pkill pgrep pidof hostname hostnamectl getent modprobe sysctl iptables
  ip6tables nft domainname nisdomainname ypdomainname chrony-helper mktemp ethtool tc avahi-autoipd command builtin`.split(
    /\s+/,
  ),
);

/** Programs that write their operands: harmless if each operand is named and is another file. */
const WRITERS = new Set('rm cp mv ln tee install touch truncate unlink chmod chown sed awk gawk mawk'.split(' '));

/** Programs that act on services: harmless if each service is named and has nothing to do with names or networks. */
const SERVICES = new Set('systemctl service invoke-rc.d rc-service initctl'.split(' '));
const OF_NAMES = /resolv|network|dhcp|dns|named|bind|unbound|connman|netplan|wicked|cloud|tailscale|vpn|\$|`/i;

/** Verbs with which systemctl only reads. */
const ASKS = /^(is-(active|enabled|failed|system-running)|show|status|cat|list-\S+)$/;

/**
 * @param others the target of resolv.conf, if resolv.conf is a link.
 * @param never whether such a command always fails on this host. A command that an `if` guards by it does not run.
 */
export function doubtsIn(
  text: string,
  others: readonly string[] = [],
  never: (command: ShellCommand) => boolean = () => false,
): Doubt[] {
  const functions = new Set(
    [...text.matchAll(/(?:^|[\s;&|{])(?:function\s+([\w.:-]+)|([\w.:-]+)\s*\(\s*\))/g)].map(
      ([, one, other]) => one ?? other,
    ),
  );
  const names = constants(text);
  const protectedFiles = [RESOLV_CONF, ...others];
  return allCommands(text).flatMap((command) => {
    if (command.under.some(never)) return [];
    const why = doubt(command, functions, (word) => resolved(word, names), protectedFiles);
    return why === null ? [] : [{ line: command.line, why }];
  });
}

/**
 * The possible harm of one command, as the rest of a sentence; null if the command is harmless.
 *
 * @param functions names that are functions of the script: what they do is judged where their text is.
 * @param value the value of a word, without quotes.
 * @param files resolv.conf and, if it is a link, the file behind it.
 */
export function doubt(
  { words, writes }: Pick<ShellCommand, 'words' | 'writes'>,
  functions: ReadonlySet<string | undefined>,
  value: (word: string) => string,
  files: readonly string[],
): string | null {
  const written = writes.map(value).find((file) => mayBe(file, files));
  if (written !== undefined) return `it writes ${written}`;
  const [first, ...rest] = words;
  if (first === undefined || first === '') return null;
  const name = value(first).replace(/^.*\//, '');
  const operands = rest.filter((word) => !word.startsWith('-')).map(value);
  if (functions.has(first)) return null;
  if (name === 'eval')
    return /^"?\w+=\\?\$+\{?\w+\}?"?$/.test(rest.join(' ')) && !/^"?new_/.test(rest[0] ?? '') ? null : 'eval';
  if (name === 'systemctl' && ASKS.test(operands[0] ?? '')) return null;
  if (SERVICES.has(name)) return operands.some((word) => OF_NAMES.test(word)) ? `it runs ${words.join(' ')}` : null;
  if (name === 'unset') return rest.some((word) => /^(new_\w+|make_resolv_conf)$/.test(word)) ? words.join(' ') : null;
  if (name === 'read' || name === 'getopts')
    return operands.some((word) => /^new_/.test(word)) ? `it sets ${operands.join(' ')}` : null;
  if (name === 'alias') return 'alias';
  if (name === 'trap') {
    const [action = '-'] = rest.filter((word) => word !== '--');
    const later = (action.startsWith('-') ? [] : allCommands(unquoted(action))).map((one) =>
      doubt(one, functions, value, files),
    );
    return later.find((why) => why !== null) ?? null;
  }
  if (name === '.' || name === 'source') return `it sources ${operands[0] ?? 'a file'}`;
  if (name === 'exec' && rest.length === 0) return null;
  if (name === 'sort' && !rest.some((word) => /^-[a-z]*o|^--output/.test(word))) return null;
  if (HARMLESS.has(name)) return null;
  if (!WRITERS.has(name)) return `it runs ${value(first)}`;
  const hit = targets(name, rest)
    .map(value)
    .find((file) => mayBe(file, files));
  return hit === undefined ? null : `it runs ${name} on ${hit}`;
}

/** The text in quotes that trap runs later. */
function unquoted(word: string): string {
  return word.replace(/^(["'])(.*)\1$/s, '$2');
}

/** The operands that the program writes, for the program's usual options. */
function targets(name: string, rest: readonly string[]): readonly string[] {
  const operands = rest.filter((word) => !word.startsWith('-'));
  if (/awk$/.test(name)) return rest.some((word) => />|system|-i|\|/.test(word)) ? operands : [];
  if (name === 'sed') {
    if (!rest.some((word) => /^-\w*i|^--in-place|\bw\b/.test(word))) return [];
    return rest.some((word) => /^-\w*[ef]|^--(expression|file)/.test(word)) ? operands : operands.slice(1);
  }
  if (name === 'chmod' || name === 'chown') return operands.slice(1);
  const elsewhere = rest.some((word) => /^-\w*t|^--target/.test(word));
  return ['cp', 'install', 'ln'].includes(name) && !elsewhere ? operands.slice(-1) : operands;
}

/** Whether the word may mean one of these files. The text before the first variable or pattern can rule that out. */
function mayBe(word: string, files: readonly string[]): boolean {
  const [known = ''] = word.split(/[$*?[\]`{]/);
  if (!known.startsWith('/') || /(^|\/)\.\.?(\/|$)/.test(known)) return true;
  const path = known.replace(/\/{2,}/g, '/');
  if (known.length < word.length) return files.some((file) => file.startsWith(path));
  return files.includes(path) || files.some((file) => file.startsWith(`${path.replace(/\/$/, '')}/`));
}

/** Variables that the text sets exactly once, to a literal. */
function constants(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string | null>();
  for (const [, name = '', word = ''] of text.matchAll(/(?:^|[\s;&|])([A-Za-z_]\w*)=("[^"]*"|'[^']*'|[^\s;&|)]*)/g)) {
    const literal = resolved(word, found as ReadonlyMap<string, string>);
    found.set(name, found.has(name) && found.get(name) !== literal ? null : literal);
  }
  // If a value begins with a path and goes on with an unknown part, the beginning is enough.
  return new Map(
    [...found].filter((one): one is [string, string] => one[1] !== null && /^(?:[^$`]*|\/[^$`]*\/.*)$/.test(one[1])),
  );
}

/** The word without its quotes, with the known values of its variables. */
function resolved(word: string, names: ReadonlyMap<string, string>): string {
  const plain = word.replace(/["']/g, '');
  return plain.replace(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced?: string, bare?: string) => {
    return names.get(braced ?? bare ?? '') ?? whole;
  });
}
