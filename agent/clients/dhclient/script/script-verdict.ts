/**
 * What a dhclient-script itself does to the work of our hooks. The hooks can only hold the settings if the script
 * sources them, calls our make_resolv_conf, and leaves resolv.conf to that function.
 */
import type { Host } from '../../../host/host.ts';
import type { HookPlaces } from '../hooks/hook-places.ts';
import type { ScriptEvent } from './events.ts';
import { ScriptWalk } from './walk.ts';

export interface ScriptDoubt {
  /** The settings concerned: all that the hooks hold, those of DNS, or the routes that the exit hook makes again. */
  readonly about: 'all' | 'dns' | 'routes';
  /** false if the text does not show whether this happens. */
  readonly certain: boolean;
  /** A phrase after the script's name, with `file:line: text`. */
  readonly why: string;
}

/** Events of dhclient-script(8) that bring a lease, by the client's family. */
const BRINGING = { 4: ['BOUND', 'RENEW', 'REBIND', 'REBOOT', 'TIMEOUT'], 6: ['BOUND6', 'RENEW6', 'REBIND6'] };

/** Events at which our exit hook composes resolv.conf again. */
const ENDING = { 4: ['EXPIRE', 'FAIL', 'RELEASE', 'STOP'], 6: ['EXPIRE6', 'RELEASE6', 'STOP6'] };

const STARTING = { 4: ['PREINIT'], 6: ['PREINIT6'] };

/** Empty if the script certainly leaves the work of our hooks alone. The script must source `places`. */
export function scriptDoubts(host: Host, script: string, places: HookPlaces, family: 4 | 6): ScriptDoubt[] {
  const walks = (reasons: readonly string[]) =>
    reasons.map((reason) => ({ reason, events: new ScriptWalk(host, places, reason).run(script) }));
  const bringing = walks(BRINGING[family]);
  const others = bringing.every(({ events }) => !isHeard(events)) ? [] : [...STARTING[family], ...ENDING[family]];
  const found = [
    ...bringing.flatMap(({ reason, events }) => atLease(events).map((doubt) => ({ ...doubt, reason }))),
    ...walks(others).flatMap(({ reason, events }) => {
      const left = STARTING[family].includes(reason) ? events : unmended(events);
      return changes(left).map((doubt) => ({ ...doubt, reason }));
    }),
  ];
  return merged(found, BRINGING[family]);
}

function atLease(events: readonly ScriptEvent[]): ScriptDoubt[] {
  const never = entering(events);
  // Without our hook, the script makes resolv.conf in its own way: its lines are no news.
  if (!isHeard(events)) return never;
  const isLeft = events.some(({ kind }) => kind === 'exit');
  return [...never, ...redefinitions(events), ...changes(events), ...(isLeft ? [] : [NO_EXIT])];
}

/** Whether our enter hook has a chance to be sourced. */
function isHeard(events: readonly ScriptEvent[]): boolean {
  return events.some(({ kind }) => kind === 'enter');
}

type Found = ScriptDoubt & { readonly reason: string };

const NO_EXIT: ScriptDoubt = {
  about: 'routes',
  certain: true,
  why: 'does not source the exit hook, which makes the routes again',
};

/** Whether the script sources our enter hook at all. */
function entering(events: readonly ScriptEvent[]): ScriptDoubt[] {
  const all = (certain: boolean, why: string): ScriptDoubt => ({ about: 'all', certain, why });
  const at = events.findIndex(({ kind }) => kind === 'enter');
  const before = at === -1 ? events : events.slice(0, at);
  const ends = before
    .filter(({ kind }) => kind === 'end')
    .map(({ sure, seen }) => all(sure, `${sure ? 'ends' : 'may end'} without sourcing Holdfast's hook (${seen})`));
  const enters = events.filter(({ kind }) => kind === 'enter');
  if (enters.some(({ sure }) => sure)) return ends;
  const [enter] = enters;
  if (enter !== undefined)
    return [...ends, all(false, `sources Holdfast's hook only under a condition of its own (${enter.seen})`)];
  const idle = events.find(({ kind }) => kind === 'idle');
  if (idle !== undefined) return [all(idle.sure, `does not source Holdfast's hook (${idle.seen})`)];
  const lost = events.find(({ kind }) => kind === 'lost');
  if (lost !== undefined)
    return [all(lost.sure, `sources Holdfast's hook in a subshell, where it is lost (${lost.seen})`)];
  const hidden = before.find(({ kind, seen }) => kind === 'perhaps' && /: (?:it sources |eval$)/.test(seen));
  const end = ends.find(({ certain }) => certain);
  if (hidden === undefined && end !== undefined) return [end];
  const where = hidden === undefined ? '' : ` (${hidden.seen})`;
  return [all(false, `names the hooks, but its text does not show that it sources them${where}`)];
}

/** Definitions of make_resolv_conf that replace ours. */
function redefinitions(events: readonly ScriptEvent[]): ScriptDoubt[] {
  const at = events.findIndex(({ kind }) => kind === 'enter');
  const later = at === -1 ? [] : events.slice(at).filter(({ kind }) => kind === 'defines');
  return later.map(({ sure, seen }) => ({
    about: 'dns',
    certain: sure,
    why: `replaces make_resolv_conf after it has sourced Holdfast's hook (${seen})`,
  }));
}

function changes(events: readonly ScriptEvent[]): ScriptDoubt[] {
  const writes = events
    .filter(({ kind }) => kind === 'writes')
    .map(({ seen }): ScriptDoubt => ({ about: 'dns', certain: true, why: `writes /etc/resolv.conf itself (${seen})` }));
  const perhaps = events
    .filter(({ kind }) => kind === 'perhaps')
    .map(({ seen }): ScriptDoubt => ({ about: 'dns', certain: false, why: `may change /etc/resolv.conf (${seen})` }));
  return [...writes, ...perhaps];
}

/** The events after which our exit hook no longer comes. */
function unmended(events: readonly ScriptEvent[]): readonly ScriptEvent[] {
  const enter = events.findIndex(({ kind, sure }) => kind === 'enter' && sure);
  const exit = events.findLastIndex(({ kind, sure }) => kind === 'exit' && sure);
  return enter === -1 ? events : events.slice(exit + 1);
}

/** Each doubt once, with the events that it concerns if these are not all; a certain doubt goes before a possible one. */
function merged(found: readonly Found[], every: readonly string[]): ScriptDoubt[] {
  const groups = new Map<string, Found[]>();
  for (const one of found) groups.set(one.why, [...(groups.get(one.why) ?? []), one]);
  const all = [...groups.values()].map((group): ScriptDoubt => {
    const { about, why } = group[0] as Found;
    const reasons = [...new Set(group.map(({ reason }) => reason))];
    const isAlways = every.every((reason) => reasons.includes(reason));
    return {
      about,
      certain: group.some(({ certain }) => certain),
      why: isAlways ? why : `${why} at ${reasons.join(', ')}`,
    };
  });
  return all.sort((a, b) => Number(b.certain) - Number(a.certain));
}
