/** The events of a kept resource: its drift, its heals, and why nothing was done. */
import { place } from '../resources/converge.ts';
import type { Finding, Outcome, Resource } from '../resources/resource.ts';
import { EVENTS, occurrence } from './events.ts';
import { PAUSE } from './heal-limit.ts';
import type { Trampler } from './trampler.ts';

export function driftEvent(finding: Finding, { by, attributes }: Trampler) {
  const why = finding.refusal ?? finding.reason ?? (by === null ? undefined : `changed by ${by}`);
  const body = `${finding.key} is not as wanted${why === undefined ? '' : `: ${why}`}`;
  return occurrence(EVENTS.drift, 'warn', body, { ...place(finding), ...attributes });
}

export function driftEndedEvent(finding: Finding) {
  return occurrence(EVENTS.driftEnded, 'info', `${finding.key} is as wanted again`, place(finding));
}

/** `known`: its drift was emitted earlier, or it is newly wanted, so perhaps no program changed it. */
export function healEvent(outcome: Outcome, who: Trampler | undefined, known: boolean) {
  const { key, reason } = outcome;
  const by = who?.by ?? null;
  const what = !known || by !== null ? `was changed (${who?.words ?? 'culprit unknown'})` : 'was not as wanted';
  const body = `${key} ${what} and is put right${reason === undefined ? '' : `; ${reason}`}`;
  return occurrence(EVENTS.heal, 'warn', body, { ...place(outcome), ...who?.attributes });
}

export function adoptedEvent(outcome: Outcome) {
  const body =
    outcome.actual === null
      ? `removed ${outcome.key}: it is no longer wanted`
      : `updated ${outcome.key}: the wanted value changed (no program had edited it)`;
  return occurrence(EVENTS.adopted, 'info', body, place(outcome));
}

export function awaitedEvent(outcome: Outcome) {
  const body = `made ${outcome.key}, which has only now become possible${outcome.reason === undefined ? '' : `; ${outcome.reason}`}`;
  return occurrence(EVENTS.awaited, 'info', body, place(outcome));
}

export function failureEvent(outcome: Outcome) {
  return occurrence(
    EVENTS.healFailed,
    'error',
    `${outcome.key} cannot be put right: ${outcome.reason}`,
    place(outcome),
  );
}

/** The event for findings of one resource that are fought over. */
export function suspendedEvent(resource: Resource, fought: readonly Finding[], tramplers: readonly Trampler[]) {
  const known = [...new Set(tramplers.map(({ by }) => by))].filter((by) => by !== null);
  const who = known.length > 0 ? `by ${known.join(' and ')}` : (tramplers[0]?.words ?? '');
  const keys = fought.map(({ key }) => key).join(', ');
  const seconds = PAUSE / 1000;
  const body = `${keys} is changed again and again (${who}); the daemon puts it right only every ${seconds} s until that ends. Stop that program, or take the setting out of the configuration`;
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
