/** Other hooks of dhclient-script: all are sourced into one shell, so each can undo or break what ours does. */
import { dirname } from 'node:path';
import { type HookPlaces, hookPlaces } from '../dhclient/hook-places.ts';
import { deeds, endings, isRun, type Neighbour, neighbours, unknown } from '../dhclient/neighbours.ts';
import type { Host } from '../host/host.ts';
import type { Seen, Surroundings } from './check.ts';

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
  for (const { kind, seen, inFunction } of endings(host, hook))
    yield { code: ENDINGS[kind], seen, ...(inFunction ? { severity: 'warning' } : {}) };
  if (hook.after && hook.when === 'enter' && !shared)
    yield { code: 'HF-HOOK-AFTER', seen: `${hook.file} sorts after zz-holdfast` };
  yield* resolvConf(hook);
  if (hook.after || hook.when === 'exit')
    for (const { seen } of unknown(host, hook)) yield { code: 'HF-HOOK-UNKNOWN', seen };
}

const ENDINGS = { exit: 'HF-HOOK-EXIT', option: 'HF-HOOK-SHELL-OPTION', syntax: 'HF-HOOK-SYNTAX' } as const;

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
