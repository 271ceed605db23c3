/**
 * Restores the hosts from the store, as they were when the collector ended. Unreadable rows are left out and counted.
 */
import { AskedServers, isOfLedger } from '../dependences/asked.ts';
import { readTold } from '../dependences/told.ts';
import type { Census } from '../hosts/census.ts';
import type { HostState } from '../hosts/host-state.ts';
import { CLOCK_TOLERANCE } from '../hosts/pulse.ts';
import { Speaker } from '../hosts/speaker.ts';
import { isOfHoldfast } from '../retire/known-hosts.ts';
import type { SeriesTable } from '../series/series.ts';
import { readFrames } from '../series/value-frames.ts';
import { replay } from '../store/chunk-journal.ts';
import type { Store } from '../store/store.ts';
import type { OtlpAttributes } from '../wire/otlp.ts';

export function restore(store: Store, census: Census, series: SeriesTable, now: number): void {
  series.restore(store.series(), store.numbers().series, now);
  const attempt = (what: string, work: () => void) => {
    try {
      work();
    } catch {
      store.leftOut.add(what);
    }
  };
  const sameId = new Map<string, HostState[]>();
  for (const stored of store.hosts()) {
    const host = census.hosts.add(stored.key, stored.seen, stored.sender, stored.id);
    census.restore(host, stored.resource as OtlpAttributes);
    host.attention = new Map(Object.entries(stored.attention).filter((pair) => Number.isFinite(pair[1])));
    host.memoryErrors = new Map(stored.memoryErrors);
    host.start = stored.start;
    host.retired = stored.retired;
    sameId.set(host.identity, [...(sameId.get(host.identity) ?? []), host]);
    attempt('a run of heartbeats', () => {
      const chunk = store.newestChunk(host.id);
      if (chunk === null) return;
      readFrames(chunk.frames, (time, changes) => {
        host.restore(changes);
        host.pulse.beat(time, 0, chunk.seen);
      });
    });
    host.pulse.seen = stored.seen;
  }
  attempt('the rest of the last heartbeats', () => {
    for (const { id, entries } of store.journal()) {
      attempt('a part of the last heartbeats', () => replay(id, entries, (host) => census.hosts.byId(host)));
    }
  });
  attempt('the dependences of hosts', () => {
    for (const { host, arrived, body } of store.ledgers.told()) {
      const known = census.hosts.byId(host);
      if (known !== undefined)
        attempt('dependences of a host', () => (known.told = readTold(body, Math.min(arrived, now))));
    }
  });
  attempt('who asked name servers', () => {
    for (const { host, server, unit, user, first, last } of store.ledgers.asked()) {
      const known = census.hosts.byId(host);
      if (known === undefined) continue;
      known.asked ??= new AskedServers();
      known.asked.restore(server, unit, user, first, last);
    }
  });
  for (const host of census.hosts) {
    settle(host, series, now);
    if (isOfHoldfast(host)) host.speaker = Speaker.restored(host.sender, host.sequence > 0);
  }
  for (const host of census.hosts) census.hosts.touch(host, host.sender);
  for (const [id, hosts] of sameId) if (hosts.length > 1) census.clones.restore(id, hosts, now);
}

/** Drops values without a known series, and times of the future. */
function settle(host: HostState, series: SeriesTable, now: number): void {
  const known = host.series.map((id, index) => [id, host.values[index]!] as const).filter(([id]) => series.get(id));
  [host.series, host.values] = [known.map(([id]) => id), known.map(([, value]) => value)];
  for (const [id, value] of known) {
    series.hold(id, host);
    const one = series.get(id);
    if (one?.metric === 'holdfast.heartbeat.sequence') host.sequence = value;
    if (!isOfLedger(one)) continue;
    host.asked ??= new AskedServers();
    host.asked.take(one, value, 0, host.seen);
  }
  host.counted = host.start;
  host.pulse.restored(now + CLOCK_TOLERANCE, now);
}
