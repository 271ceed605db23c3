/** The events of a kept resource: its drift, its heals, and the reasons for doing nothing. */
import { place } from '../../hold/converge.ts';
import { titleOf } from '../../hold/finding-kinds.ts';
import type { Finding, Outcome, Resource } from '../../hold/resource.ts';
import { EVENTS, occurrence } from '../daemon-events.ts';
import { PAUSE } from './heal-limit.ts';
import { byWords, surestFirst, type Trampler } from './trampler.ts';

/** The artifacts of one event. A sentence about the first artifact is true of all. */
export type Alike<T extends Finding | Outcome> = readonly [T, ...T[]];

/** The most artifacts that an event names. */
const NAMED = 3;

/** Groups of the same moment and cause. */
export function alike<T extends Finding | Outcome>(all: readonly T[], cause: (one: T) => unknown): Alike<T>[] {
  return grouped(all, (one) => JSON.stringify([one.moment, cause(one)]));
}

/** Failures of any resource and moment with one reason: a refusal of DNS is about several artifacts. */
export function alikeFailures(outcomes: readonly Outcome[]): Alike<Outcome>[] {
  return grouped(outcomes, ({ reason }) => reason);
}

function grouped<T extends Finding | Outcome>(all: readonly T[], key: (one: T) => unknown): Alike<T>[] {
  return [...Map.groupBy(all, key).values()] as unknown as Alike<T>[];
}

export function driftCause(finding: Finding, { by }: Trampler): string | undefined {
  return finding.refusal ?? finding.reason ?? (by === null ? undefined : `changed ${byWords(by)}`);
}

export function driftEvent(findings: Alike<Finding>, who: Trampler) {
  const why = driftCause(findings[0], who);
  const body = `${names(findings)} ${be(findings)} not as wanted${why === undefined ? '' : `: ${why}`}`;
  return occurrence(EVENTS.drift, 'warn', body, { ...about(findings), ...who.attributes });
}

export function driftEndedEvent(findings: Alike<Finding>) {
  return occurrence(EVENTS.driftEnded, 'info', `${names(findings)} ${be(findings)} as wanted again`, about(findings));
}

/** `known`: the drift was emitted earlier, or the setting is newly wanted, so perhaps no program changed it. */
export function healEvent(outcomes: Alike<Outcome>, who: Trampler | undefined, known: boolean) {
  const [{ reason }, ...more] = outcomes;
  const were = more.length > 0 ? 'were' : 'was';
  const by = who?.by ?? null;
  const what = !known || by !== null ? `${were} changed (${who?.words ?? 'culprit unknown'})` : `${were} not as wanted`;
  const note = reason === undefined ? '' : `; ${reason}`;
  const body = `${names(outcomes)} ${what} and ${be(outcomes)} put right${note}`;
  return occurrence(EVENTS.heal, 'warn', body, { ...about(outcomes), ...who?.attributes });
}

/** `removed`: the artifacts are no longer wanted. */
export function adoptedEvent(outcomes: Alike<Outcome>, removed: boolean) {
  const body = removed
    ? `removed ${names(outcomes)}: ${outcomes.length > 1 ? 'they are' : 'it is'} no longer wanted`
    : `updated ${names(outcomes)}: the wanted value changed (no program had edited it)`;
  return occurrence(EVENTS.adopted, 'info', body, about(outcomes));
}

export function awaitedEvent(outcomes: Alike<Outcome>) {
  const [{ reason }, ...more] = outcomes;
  const have = more.length > 0 ? 'have' : 'has';
  const note = reason === undefined ? '' : `; ${reason}`;
  const body = `made ${names(outcomes)}, which ${have} only now become possible${note}`;
  return occurrence(EVENTS.awaited, 'info', body, about(outcomes));
}

export function failureEvent(outcomes: Alike<Outcome>) {
  const body = `${names(outcomes)} cannot be put right: ${outcomes[0].reason}`;
  return occurrence(EVENTS.healFailed, 'error', body, about(outcomes));
}

/** Attributes of the first artifact, and `count` if there are more. */
function about(all: Alike<Finding> | Alike<Outcome>) {
  return { ...place(all[0]), ...(all.length > 1 ? { count: all.length } : {}) };
}

function names(all: readonly (Finding | Outcome)[]): string {
  const keys = all.map(titleOf);
  if (keys.length > NAMED) return `${keys.slice(0, NAMED).join(', ')} and ${keys.length - NAMED} more`;
  return [keys.slice(0, -1).join(', '), ...keys.slice(-1)].filter((part) => part !== '').join(' and ');
}

function be(all: readonly unknown[]): string {
  return all.length > 1 ? 'are' : 'is';
}

/** The event for findings of one resource that are fought over. */
export function suspendedEvent(resource: Resource, fought: readonly Finding[], tramplers: readonly Trampler[]) {
  const known = surestFirst([...new Set(tramplers.map(({ by }) => by))].filter((by) => by !== null));
  const who = known.length > 0 ? byWords(known.join(' and ')) : (tramplers[0]?.words ?? '');
  const seconds = PAUSE / 1000;
  const body = `${names(fought)} ${be(fought)} changed again and again (${who}); the daemon puts ${fought.length > 1 ? 'them' : 'it'} right only every ${seconds} s until that ends. Stop that program, or take the setting out of the configuration`;
  return occurrence(EVENTS.healSuspended, 'error', body, {
    resource: resource.name,
    wait: seconds,
    ...(tramplers.length === 1 ? tramplers[0]!.attributes : known.length > 0 ? { trampler: known.join(' and ') } : {}),
  });
}

/** `every` is the interval of looks in milliseconds. Without the kernel's reports nothing else finds drift. */
export function deafEvent({ name }: Resource, every: number, why: string) {
  const body = `the kernel reports no changes of ${name}; the daemon looks every ${every / 1000} s instead: ${why}`;
  return occurrence(EVENTS.deaf, 'warn', body, { resource: name });
}
