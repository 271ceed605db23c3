/**
 * What a hook that is sourced before ours leaves behind, so that it acts after ours or on it: a process in the background, a trap, a shell
 * that no longer carries out commands, a function or an alias in the place of a command that our hook runs.
 */
import { type Doubt, doubtsIn } from './harmless.ts';
import { allCommands, type ShellCommand } from './shell.ts';

/** Programs that have something done later, or by another process. */
const LATER = new Set(
  'nohup setsid at batch coproc disown systemd-run start-stop-daemon daemon daemonize screen tmux crontab'.split(' '),
);

/** Commands of our hooks that a function or an alias can take the place of. */
const OURS =
  'break case command continue cat cp echo export ip local mkdir mv printf read readlink return rm set shift sync test umask unset';
const SHADOW = new RegExp(`^(?:${OURS.replaceAll(' ', '|')}|holdfast_\\w+)$`);

/** The files that a hook sources; null for one whose path is not literal. */
export function sourcedIn(
  text: string,
): { readonly line: number; readonly path: string | null; readonly word: string }[] {
  return allCommands(text).flatMap(({ words: [command, word = ''], line, inSubshell }) => {
    if (inSubshell || (command !== '.' && command !== 'source')) return [];
    const plain = word.replace(/["']/g, '');
    return [{ line, path: /^\/[^$*?[`]*$/.test(plain) ? plain : null, word: plain }];
  });
}

/** @param others where resolv.conf leads to, if it is a link. */
export function lastingIn(text: string, others: readonly string[] = []): Doubt[] {
  const commands = allCommands(text);
  // A trap's action, or what goes on in the background, may be a function: then every doubt of the hook counts.
  const outlives = commands.some((one) => one.inBackground || LATER.has(one.words[0] ?? '') || setsTrap(one));
  return [...(outlives ? doubtsIn(text, others) : []), ...commands.flatMap(inTheWay), ...shadows(text)];
}

function setsTrap({ words, inSubshell }: ShellCommand): boolean {
  const [command, action = '-'] = words.filter((word) => word !== '--');
  return command === 'trap' && !inSubshell && !/^(-.*|""|'')$/.test(action);
}

function inTheWay({ words, line, inSubshell }: ShellCommand): Doubt[] {
  const [command, ...rest] = words;
  const why = words.join(' ');
  if (inSubshell || command === undefined) return [];
  const flag = (letters: string) => rest.some((word) => new RegExp(`^-\\w*[${letters}]`).test(word));
  const isNoted =
    (command === 'alias' && rest.some((word) => SHADOW.test(word.split('=')[0] ?? ''))) ||
    (command === 'readonly' && flag('f')) ||
    (/^(declare|typeset)$/.test(command) && flag('f') && flag('r')) ||
    (command === 'enable' && flag('n')) ||
    (command === 'ulimit' && flag('f'));
  return isNoted ? [{ line, why }] : [];
}

/** Functions of these names, and values of the event that dhclient-script goes by. */
function shadows(text: string): Doubt[] {
  return text.split('\n').flatMap((row, index) => {
    if (/^\s*#/.test(row)) return [];
    const [, one, other] = /(?:^|[\s;&|{])(?:function\s+([\w.:-]+)|([\w.:-]+)\s*\(\s*\))/.exec(row) ?? [];
    const name = one ?? other ?? '';
    const isEvent = /(?:^|[;&|]\s*|\bthen\s+|\bdo\s+|^\s+)(?:export\s+)?(?:reason|interface)=/.test(row);
    return SHADOW.test(name) || isEvent ? [{ line: index + 1, why: row.trim() }] : [];
  });
}
