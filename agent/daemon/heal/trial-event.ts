/** The event of a change that was on trial: confirmed, kept for now, or put back. */
import type { EventSeverity, Occurrence } from '../../../probes/probe.ts';
import type { TrialVerdict } from '../../confirm/trial/trial-guard.ts';
import { errorMessage } from '../../host/errors.ts';
import { EVENTS, type EventName, occurrence } from '../daemon-events.ts';

const OF_KIND: Readonly<Record<TrialVerdict['kind'], readonly [EventName, EventSeverity]>> = {
  confirmed: [EVENTS.changeConfirmed, 'info'],
  provisional: [EVENTS.changeProvisional, 'warn'],
  'put-back': [EVENTS.changePutBack, 'error'],
};

export function trialEvent({ id, kind, body }: TrialVerdict): Occurrence {
  const [name, severity] = OF_KIND[kind];
  return occurrence(name, severity, body, { change: id });
}

/** The decision needs the lock and the disk. The undo that was armed does not wait for the agent. */
export function undecidedEvent(error: unknown): Occurrence {
  const body = `the change on trial could not be kept or put back: ${errorMessage(error)}; the undo that was armed for it puts it back`;
  return occurrence(EVENTS.healFailed, 'error', body);
}
