/** The daemon's own events: its start and end, drifts and heals, and conditions that begin and end. */
import type { Condition, EventSeverity, Occurrence, SampleAttributes } from '../../probes/probe.ts';

export const EVENTS = {
  start: 'holdfast.start',
  stop: 'holdfast.stop',
  configChanged: 'holdfast.config.changed',
  configRefused: 'holdfast.config.refused',
  drift: 'holdfast.drift',
  driftEnded: 'holdfast.drift.ended',
  adopted: 'holdfast.adopted',
  awaited: 'holdfast.awaited',
  deaf: 'holdfast.deaf',
  heal: 'holdfast.heal',
  healFailed: 'holdfast.heal.failed',
  healSuspended: 'holdfast.heal.suspended',
  dnsProved: 'holdfast.dns.proved',
  dnsRefused: 'holdfast.dns.refused',
  dnsPutBack: 'holdfast.dns.put_back',
  changeConfirmed: 'holdfast.change.confirmed',
  changeProvisional: 'holdfast.change.provisional',
  changePutBack: 'holdfast.change.put_back',
  dhclientRestarted: 'holdfast.dhclient.restarted',
  dhclientPending: 'holdfast.dhclient.pending',
  dhclientRestartFailed: 'holdfast.dhclient.restart_failed',
  networkdRestarted: 'holdfast.networkd.restarted',
  networkdPending: 'holdfast.networkd.pending',
  networkdRestartFailed: 'holdfast.networkd.restart_failed',
  nearestChanged: 'holdfast.nearest.changed',
  nearestFailed: 'holdfast.nearest.failed',
  metadataChanged: 'holdfast.metadata.changed',
  metadataFailed: 'holdfast.metadata.failed',
  egressDropped: 'holdfast.egress.dropped',
  egressPutBack: 'holdfast.egress.put_back',
  egressWaits: 'holdfast.egress.waits',
  inventory: 'holdfast.inventory',
  inventoryChanged: 'holdfast.inventory.changed',
  dependences: 'holdfast.dependences',
  conditionRaised: 'holdfast.condition.raised',
  conditionCleared: 'holdfast.condition.cleared',
  probeFailed: 'holdfast.probe.failed',
  probeRecovered: 'holdfast.probe.recovered',
} as const;

export type EventName = (typeof EVENTS)[keyof typeof EVENTS];

/** Takes an event, logs it and passes it to the delivery. Must not throw. */
export type Tell = (event: Occurrence) => void;

export function occurrence(
  name: EventName,
  severity: EventSeverity,
  body: string,
  attributes: SampleAttributes = {},
): Occurrence {
  return { kind: 'event', name, severity, time: Date.now(), body, attributes };
}

/** Turns a condition, which every reading repeats, into two events: one when it begins and one when it is over. */
export class Conditions {
  readonly #holding = new Map<string, { readonly probe: string; readonly condition: Condition }>();
  readonly #tell: Tell;

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  /**
   * Takes the conditions of a successful reading. After a failed reading, it is unknown whether the earlier conditions
   * are over.
   */
  update(probe: string, now: readonly Condition[]): void {
    const current = new Map(now.map((condition) => [identity(probe, condition), condition]));
    for (const [key, { condition }] of this.#of(probe)) {
      if (current.has(key)) continue;
      this.#holding.delete(key);
      const instead = now.find((other) => !this.#holding.has(identity(probe, other)) && isOfTheSame(other, condition));
      const body =
        instead === undefined
          ? `over: ${condition.body}`
          : `no longer ${condition.code}, but ${instead.code}: ${instead.body}`;
      this.#tell(event(EVENTS.conditionCleared, 'info', body, condition));
    }
    for (const [key, condition] of current) {
      const { severity, body, remedy } = condition;
      const text = remedy === undefined ? body : `${body} ${remedy}`;
      if (!this.#holding.has(key)) this.#tell(event(EVENTS.conditionRaised, severity, text, condition));
      this.#holding.set(key, { probe, condition });
    }
  }

  all(): Condition[] {
    return [...this.#holding.values()].map(({ condition }) => condition);
  }

  #of(probe: string) {
    return [...this.#holding].filter(([, held]) => held.probe === probe);
  }
}

function event(name: EventName, severity: EventSeverity, body: string, { code, attributes }: Condition): Occurrence {
  return occurrence(name, severity, body, { ...attributes, code });
}

/** Whether both concern the same thing, for example if a warning becomes an error with another code. */
function isOfTheSame(one: Condition, other: Condition): boolean {
  const about = ({ attributes }: Condition) => JSON.stringify(Object.entries(attributes).sort());
  return one.code !== other.code && Object.keys(one.attributes).length > 0 && about(one) === about(other);
}

function identity(probe: string, { code, attributes }: Condition): string {
  return JSON.stringify([probe, code, Object.entries(attributes).sort()]);
}
