/**
 * Other hooks of dhclient-script. The script sources all hooks into one shell, so each hook can undo or break the work
 * of ours.
 */
import { dirname } from 'node:path';
import { type HookPlaces, hookPlaces } from '../../clients/dhclient/hooks/hook-places.ts';
import {
  type Deed,
  deeds,
  endings,
  isRun,
  lasting,
  type NeighbourHook,
  neighbours,
  unknown,
} from '../../clients/dhclient/hooks/other-hooks.ts';
import type { Host } from '../../host/host.ts';
import type { DoctorObservation, DoctorSurroundings } from '../doctor-check.ts';

export function* hooksCheck({ host }: DoctorSurroundings): Iterable<DoctorObservation> {
  const places = hookPlaces(host);
  if (places === null) return;
  for (const name of ['enter', 'exit'] as const) {
    yield* ignored(host, places, name);
    for (const hook of neighbours(host, places, name)) yield* look(host, hook, places);
  }
}

function* ignored(host: Host, places: HookPlaces, when: 'enter' | 'exit'): Iterable<DoctorObservation> {
  if (places.shared) return;
  const folder = dirname(places[when]);
  for (const name of host.list(folder)) {
    const leftOver = /~$|\.(dpkg|ucf)-|\.(bak|orig|old|save|sw.|disabled)$|^\./.test(name);
    if (isRun(name) || leftOver || !host.stat(`${folder}/${name}`)?.isFile()) continue;
    yield { code: 'HF-HOOK-IGNORED', seen: `${folder}/${name}` };
  }
}

function* look(host: Host, hook: NeighbourHook, { shared }: HookPlaces): Iterable<DoctorObservation> {
  for (const { kind, seen, inFunction } of endings(host, hook))
    yield { code: ENDINGS[kind], seen, ...(inFunction ? { severity: 'warning' } : {}) };
  if (hook.after && hook.when === 'enter' && !shared)
    yield { code: 'HF-HOOK-AFTER', seen: `${hook.file} sorts after zz-holdfast` };
  yield* resolvConf(hook);
  yield* doubtful(hook.after || hook.when === 'exit' ? unknown(host, hook) : lasting(host, hook));
}

/** One finding for a hook, whatever the number of its lines. */
function* doubtful(deeds: readonly Deed[]): Iterable<DoctorObservation> {
  const [first, ...others] = deeds;
  if (first === undefined) return;
  const lines = [...new Set(others.map(({ seen }) => /:(\d+): /.exec(seen)?.[1]))];
  const shown = lines.slice(0, LINES_SHOWN).join(', ') + (lines.length > LINES_SHOWN ? ' …' : '');
  const more = lines.length === 0 ? '' : `; also line${lines.length > 1 ? 's' : ''} ${shown}`;
  yield { code: 'HF-HOOK-UNKNOWN', seen: `${first.seen}${more}` };
}

const LINES_SHOWN = 5;

const ENDINGS = { exit: 'HF-HOOK-EXIT', option: 'HF-HOOK-SHELL-OPTION', syntax: 'HF-HOOK-SYNTAX' } as const;

function* resolvConf(hook: NeighbourHook): Iterable<DoctorObservation> {
  for (const { deed, seen } of deeds(hook)) {
    if (deed === 'redefines' && hook.when === 'enter') {
      // A hook that runs earlier does not count: Holdfast’s hook defines the function again.
      if (hook.after) yield { code: 'HF-HOOK-REDEFINES', seen };
    }
    // Such a hook makes the file anew after ours has made it.
    if (deed === 'writes') {
      yield { code: 'HF-HOOK-WRITES', seen, ...(hook.when === 'exit' ? { severity: 'problem' } : {}) };
    }
  }
}
