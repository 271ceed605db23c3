/** The event of a change that was on trial: confirmed, kept for now, or put back. */
import type { EventSeverity, Occurrence } from '../../../probes/probe.ts';
import { notePutBackTold } from '../../confirm/trial/put-back-memory.ts';
import type { TrialVerdict } from '../../confirm/trial/trial-verdict.ts';
import { errorMessage, nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { EVENTS, type EventName, occurrence, type Tell } from '../daemon-events.ts';

const OF_KIND: Readonly<Record<TrialVerdict['kind'], readonly [EventName, EventSeverity]>> = {
  confirmed: [EVENTS.changeConfirmed, 'info'],
  provisional: [EVENTS.changeProvisional, 'warn'],
  'put-back': [EVENTS.changePutBack, 'error'],
};

/** Emits the event. A change that was put back is noted as told, so that the next start does not tell it again. */
export function tellVerdict(host: Host, tell: Tell, { id, kind, body }: TrialVerdict): void {
  const [name, severity] = OF_KIND[kind];
  tell(occurrence(name, severity, body, { change: id }));
  if (kind === 'put-back') nullIfRefused(() => notePutBackTold(host, id));
}

/** The decision needs the lock and the disk. The undo that was armed does not wait for the agent. */
export function undecidedEvent(error: unknown): Occurrence {
  const body = `the change on trial could not be kept or put back: ${errorMessage(error)}; the undo that was armed for it puts it back`;
  return occurrence(EVENTS.healFailed, 'error', body);
}
