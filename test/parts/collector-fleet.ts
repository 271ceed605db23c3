/** What tests of the collector's insides send: heartbeats of agents whose start, clock, name and sender the test chooses. */
import type { TestContext } from 'node:test';
import type { HostRow } from '../../agent/collector/api.ts';
import { Fleet } from '../../agent/collector/fleet/fleet.ts';
import type { HostState } from '../../agent/collector/hosts/host-state.ts';
import { Store } from '../../agent/collector/store/store.ts';
import type { LogRecord, OtlpAttributes, OtlpPoint, OtlpResource } from '../../agent/collector/wire/otlp.ts';
import { scratch } from './scratch.ts';

export const DAY = 86_400_000;
export const START = 1_700_000_000_000;

export interface SentBeat {
  readonly id?: string;
  readonly name?: string;
  readonly start?: number;
  readonly sequence: number;
  /** By the host's clock. */
  readonly time: number;
  /** By the collector's; `time` where it is not given. */
  readonly now?: number;
  readonly sender?: string;
  /** Metric, or metric and attributes, to value. */
  readonly values?: readonly (readonly [metric: string, value: number, attributes?: OtlpAttributes])[];
  readonly resource?: OtlpAttributes;
}

/** Gives how many points were refused. */
export function beat(fleet: Fleet, sent: SentBeat): number {
  const { id = 'a', name = id, start = START, sequence, time, now = time, sender = '', values = [], resource } = sent;
  const all = [['holdfast.heartbeat.sequence', sequence] as const, ...values];
  const points = all.flatMap(([metric, value, attributes = {}]): OtlpPoint[] => {
    const series = fleet.series.find(metric, '1', JSON.stringify(attributes), () => attributes);
    return series === null ? [] : [{ series, start, time, value }];
  });
  const refused = all.length - points.length + fleet.beat(resourceOf(id, name, resource), points, now, sender);
  fleet.upkeep.makeRoom(sender, now);
  return refused;
}

export function tell(fleet: Fleet, id: string, now: number, record: Partial<LogRecord> = {}, sender = ''): number {
  const whole: LogRecord = {
    time: now,
    name: 'holdfast.drift',
    severity: 'warn',
    body: 'x',
    attributes: {},
    ...record,
  };
  return fleet.note(resourceOf(id, id), [whole], now, sender);
}

export function resourceOf(id: string, name: string, more: OtlpAttributes = {}): OtlpResource {
  const attributes = { 'host.id': id, 'host.name': name, ...more };
  return { key: JSON.stringify(attributes), read: () => attributes };
}

/** All rows, by id, as they are now. */
export function rows(fleet: Fleet, now: number): Map<string, HostRow> {
  fleet.rows.settle(now);
  return new Map([...fleet.rows.all()].map((row) => [row.id, row]));
}

export function codes(row: HostRow | undefined): string[] {
  return row?.attention.map(({ code }) => code) ?? [];
}

/** A fleet, and the same after a restart. */
export function fleetOf(t: TestContext, keep = 14 * DAY, now = START, onLost: (host: HostState) => void = () => {}) {
  const folder = scratch(t);
  let store = new Store(folder);
  t.after(() => store.close());
  return {
    fleet: new Fleet(store, keep, now, onLost),
    folder,
    get store() {
      return store;
    },
    again(at: number): Fleet {
      store.close();
      store = new Store(folder);
      return new Fleet(store, keep, at, onLost);
    },
  };
}
