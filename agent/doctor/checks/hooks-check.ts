/**
 * Other hooks of dhclient-script. The script sources all hooks into one shell, so each hook can undo or break the work
 * of ours.
 */
import { dirname } from 'node:path';
import { type HookPlaces, hookPlaces } from '../../clients/dhclient/hooks/hook-places.ts';
import { hookShell, isRun, neighbours } from '../../clients/dhclient/hooks/other-hooks.ts';
import { dhclientIdle } from '../../clients/dhclient/idle.ts';
import { leaseHolders } from '../../clients/holders.ts';
import { briefly, deeds, lasting, type NeighbourHook, unknown } from '../../clients/hook-deeds.ts';
import { endings } from '../../clients/hook-endings.ts';
import type { Host } from '../../host/host.ts';
import type { DoctorObservation, DoctorSurroundings } from '../doctor-check.ts';

export function* hooksCheck({ host }: DoctorSurroundings): Iterable<DoctorObservation> {
  const places = hookPlaces(host);
  if (places === null) return;
  const idle = dhclientIdle(host, () => leaseHolders(host));
  for (const name of ['enter', 'exit'] as const) {
    yield* ignored(host, places, name);
    for (const hook of neighbours(host, places, name)) {
      for (const seen of look(host, hook, places, idle)) yield idle ? ofIdle(seen) : seen;
    }
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

/** A hook of a dhclient that has no part in this host's DNS. */
function ofIdle(found: DoctorObservation): DoctorObservation {
  return { ...found, seen: `${found.seen} (dhclient does not run here)`, severity: 'note' };
}

function* look(host: Host, hook: NeighbourHook, { shared }: HookPlaces, idle: boolean): Iterable<DoctorObservation> {
  for (const { kind, seen, inFunction } of endings(host, hook, hookShell(host)))
    yield { code: ENDINGS[kind], seen, ...(inFunction ? { severity: 'warning' } : {}) };
  if (hook.after && hook.when === 'enter' && !shared)
    yield { code: 'HF-HOOK-AFTER', seen: `${hook.file} sorts after zz-holdfast` };
  yield* resolvConf(hook);
  // No lease of dhclient can be rehearsed on such a host.
  if (idle) return;
  const doubts = hook.after || hook.when === 'exit' ? unknown(host, hook) : lasting(host, hook);
  for (const seen of briefly(doubts)) yield { code: 'HF-HOOK-UNKNOWN', seen };
}

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
