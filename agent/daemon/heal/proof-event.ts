/** The event of a proof of DNS: proved, refused, or put back. */
import type { EventSeverity, Occurrence } from '../../../probes/probe.ts';
import type { ProofEvent } from '../../hold/proof/proof.ts';
import { EVENTS, type EventName, occurrence } from '../daemon-events.ts';

export function proofEvent({ kind, body, again }: ProofEvent): Occurrence {
  const [name, severity] = {
    proved: [EVENTS.dnsProved, 'info'],
    refused: [EVENTS.dnsRefused, 'error'],
    'put-back': [EVENTS.dnsPutBack, 'error'],
  }[kind] as [EventName, EventSeverity];
  const next =
    again === undefined
      ? ''
      : `; the daemon tries again in ${again / 60_000} min, when this host's addresses change, or when told to (systemctl reload holdfast)`;
  return occurrence(name, severity, body + next);
}
