/** Other hooks of dhclient-script: all are sourced into one shell, so each can undo or break what ours does. */
import { dirname } from 'node:path';
import { type HookPlaces, hookPlaces } from '../dhclient/hook-places.ts';
import { deeds, isRun, type Neighbour, neighbours } from '../dhclient/neighbours.ts';
import type { Host } from '../host/host.ts';
import type { Seen, Surroundings } from './check.ts';
import { commandsHere } from './shell.ts';

/** Longer than any hook; a longer one is only given to `sh -n`. */
const LONGEST = 262_144;

export function* hooks({ host }: Surroundings): Iterable<Seen> {
  const places = hookPlaces(host);
  if (places === null) return;
  for (const name of ['enter', 'exit'] as const) {
    yield* ignored(host, places, name);
    for (const hook of neighbours(host, places, name)) yield* look(host, hook, places);
  }
}

function* ignored(host: Host, places: HookPlaces, when: 'enter' | 'exit'): Iterable<Seen> {
  if (places.shared) return;
  const folder = dirname(places[when]);
  for (const name of host.list(folder)) {
    const leftOver = /~$|\.(dpkg|ucf)-|\.(bak|orig|old|save|sw.|disabled)$|^\./.test(name);
    if (isRun(name) || leftOver || !host.stat(`${folder}/${name}`)?.isFile()) continue;
    yield { code: 'HF-HOOK-IGNORED', seen: `${folder}/${name}` };
  }
}

function* look(host: Host, hook: Neighbour, { shared }: HookPlaces): Iterable<Seen> {
  yield* syntax(host, hook);
  if (hook.text.length > LONGEST) return;
  if (hook.after && hook.when === 'enter' && !shared)
    yield { code: 'HF-HOOK-AFTER', seen: `${hook.file} sorts after zz-holdfast` };
  yield* resolvConf(hook);
  yield* commands(hook);
}

/** With the shell that dhclient-script names in its first line. It only reads: nothing is run. */
function* syntax(host: Host, { file, text }: Neighbour): Iterable<Seen> {
  const script = host.readText('/sbin/dhclient-script') ?? host.readText('/usr/sbin/dhclient-script') ?? '';
  const shell = /^#![^\n]*\bbash\b/.test(script) ? 'bash' : 'sh';
  const { status, stderr } = host.run(shell, ['-n'], { input: text });
  if (status === null || status === 0) return;
  const complaint = stderr.trim().split('\n')[0] ?? '';
  yield { code: 'HF-HOOK-SYNTAX', seen: `${file}: ${shell} -n says: ${complaint}` };
}

function* resolvConf(hook: Neighbour): Iterable<Seen> {
  for (const { deed, seen } of deeds(hook)) {
    if (deed === 'redefines' && hook.when === 'enter') {
      yield hook.after
        ? { code: 'HF-HOOK-REDEFINES', seen }
        : { code: 'HF-HOOK-REDEFINES', seen: `${seen}; Holdfast’s hook runs later and wins`, severity: 'note' };
    }
    // After ours has made the file, this makes it anew.
    if (deed === 'writes') {
      yield { code: 'HF-HOOK-WRITES', seen, ...(hook.when === 'exit' ? { severity: 'problem' } : {}) };
    }
  }
}

function* commands({ file, text }: Neighbour): Iterable<Seen> {
  const all = commandsHere(text);
  for (const [index, { words, line, inFunction }] of all.entries()) {
    const seen = `${file}:${line}: ${words.join(' ')}`;
    const severity = inFunction ? ({ severity: 'warning' } as const) : {};
    if (words[0] === 'exit') yield { code: 'HF-HOOK-EXIT', seen, ...severity };
    const option = optionSet(words);
    const reset = all.slice(index).some((later) => optionSet(later.words, '+') === option);
    if (option !== null && !reset) yield { code: 'HF-HOOK-SHELL-OPTION', seen, ...severity };
  }
}

/** `set -e`, `set -eu`, `set -o errexit` …: the option that makes a script end early; null for all else. */
function optionSet([command, ...words]: readonly string[], sign: '-' | '+' = '-'): 'e' | 'u' | null {
  if (command !== 'set') return null;
  for (const [index, word] of words.entries()) {
    if (word === '--') return null;
    if (!word.startsWith(sign)) continue;
    const long = word === `${sign}o` ? words[index + 1] : undefined;
    if (long === 'errexit' || (long === undefined && word.includes('e'))) return 'e';
    if (long === 'nounset' || (long === undefined && word.includes('u'))) return 'u';
  }
  return null;
}
