/**
 * The remains of a hook before ours that act after ours or on ours. Kinds: a background process, a trap, a shell that
 * no longer carries out commands, a function or alias that replaces a command of our hook.
 */
import { type Doubt, doubtsIn } from './harmless.ts';
import { allCommands, type ShellCommand } from './shell.ts';

/** Programs that run a command later, or in another process. */
const LATER = new Set(
  'nohup setsid at batch coproc disown systemd-run start-stop-daemon daemon daemonize screen tmux crontab'.split(' '),
);

/** Commands of our hooks that a function or an alias can replace. */
const OURS =
  'break case command continue cat cp echo export ip local mkdir mv printf read readlink return rm set shift sync test umask unset';
const SHADOW = new RegExp(`^(?:${OURS.replaceAll(' ', '|')}|holdfast_\\w+)$`);

/** The files that a hook sources; null for a path that is not literal. */
export function sourcedIn(
  text: string,
): { readonly line: number; readonly path: string | null; readonly word: string }[] {
  return allCommands(text).flatMap(({ words: [command, word = ''], line, inSubshell }) => {
    if (inSubshell || (command !== '.' && command !== 'source')) return [];
    const plain = word.replace(/["']/g, '');
    return [{ line, path: /^\/[^$*?[`]*$/.test(plain) ? plain : null, word: plain }];
  });
}

/** @param others the target of resolv.conf, if resolv.conf is a link. */
export function lastingIn(text: string, others: readonly string[] = []): Doubt[] {
  const commands = allCommands(text);
  // A trap's action, or a background command, may be a function: every doubt of the hook counts in that case.
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

/** Functions with these names, and changed values of the event that dhclient-script reads. */
function shadows(text: string): Doubt[] {
  return text.split('\n').flatMap((row, index) => {
    if (/^\s*#/.test(row)) return [];
    const [, one, other] = /(?:^|[\s;&|{])(?:function\s+([\w.:-]+)|([\w.:-]+)\s*\(\s*\))/.exec(row) ?? [];
    const name = one ?? other ?? '';
    const isEvent = /(?:^|[;&|]\s*|\bthen\s+|\bdo\s+|^\s+)(?:export\s+)?(?:reason|interface)=/.test(row);
    return SHADOW.test(name) || isEvent ? [{ line: index + 1, why: row.trim() }] : [];
  });
}
