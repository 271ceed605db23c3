/** The event of a change that was on trial: confirmed, kept for now, or put back. */
import type { EventSeverity, Occurrence } from '../../../probes/probe.ts';
import type { TrialVerdict } from '../../confirm/trial/trial-guard.ts';
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
