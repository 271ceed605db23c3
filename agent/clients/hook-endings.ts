/** Whether a hook of another author ends the script that sources it. */
import type { Host } from '../host/host.ts';
import { LONGEST, type NeighbourHook } from './hook-deeds.ts';
import { commandsHere } from './shell/shell.ts';

/**
 * A command that ends the client's script, or may end it early, before or after our hook. `exit` in a function counts only
 * if the function is called.
 */
export interface Ending {
  readonly kind: 'exit' | 'option' | 'syntax';
  /** `file:line: text`. */
  readonly seen: string;
  readonly inFunction: boolean;
}

/** The shell of the script that sources the hooks. */
export type HookShell = 'sh' | 'bash';

export function endings(host: Host, hook: NeighbourHook, shell: HookShell): Ending[] {
  const complaint = complaintOf(host, hook, shell);
  const syntax = complaint === null ? [] : [{ kind: 'syntax', seen: complaint, inFunction: false } as const];
  if (hook.text.length > LONGEST) return syntax;
  const all = commandsHere(hook.text);
  const fatal = all.flatMap(({ words, line, inFunction }, index): Ending[] => {
    const seen = `${hook.file}:${line}: ${words.join(' ')}`;
    const option = optionSet(words);
    // After `set -n` the shell carries out nothing that could take the option back.
    const reset = option !== 'n' && all.slice(index).some((later) => optionSet(later.words, '+') === option);
    return [
      ...(endsShell(words) ? [{ kind: 'exit', seen, inFunction } as const] : []),
      ...(option !== null && !reset ? [{ kind: 'option', seen, inFunction } as const] : []),
    ];
  });
  return [...syntax, ...fatal];
}

/** `exec` with a program replaces the shell; with redirections only, the shell goes on. */
function endsShell([command, ...operands]: readonly string[]): boolean {
  if (command === 'exec') return operands.length > 0;
  return command === 'exit' || (command === 'kill' && operands.some((word) => /^"?\$(\$|\{\$\})"?$/.test(word)));
}

/** The complaint of the shell, which only reads the hook; null if the shell has none. */
function complaintOf(host: Host, { file, text }: NeighbourHook, shell: HookShell): string | null {
  const known = complaints.get(`${shell} ${text}`);
  if (known !== undefined) return known === '' ? null : `${file}: ${known}`;
  const { status, stderr } = host.run(shell, ['-n'], { input: text });
  const said = status === null || status === 0 ? '' : `${shell} -n says: ${stderr.trim().split('\n')[0] ?? ''}`;
  if (complaints.size > 100) complaints.clear();
  complaints.set(`${shell} ${text}`, said);
  return said === '' ? null : `${file}: ${said}`;
}

/** The shell's complaint by shell and text; '' if there is none. The daemon looks repeatedly, so complaints are kept. */
const complaints = new Map<string, string>();

/** `set -e`, `set -eu`, `set -o errexit` …: the option that makes a script end early; null for all other commands. */
function optionSet([command, ...words]: readonly string[], sign: '-' | '+' = '-'): 'e' | 'u' | 'n' | null {
  if (command !== 'set') return null;
  for (const [index, word] of words.entries()) {
    if (word === '--') return null;
    if (!word.startsWith(sign)) continue;
    const long = word === `${sign}o` ? words[index + 1] : undefined;
    if (long === 'errexit' || (long === undefined && word.includes('e'))) return 'e';
    if (long === 'noexec' || (long === undefined && word.includes('n'))) return 'n';
    if (long === 'nounset' || (long === undefined && word.includes('u'))) return 'u';
  }
  return null;
}
