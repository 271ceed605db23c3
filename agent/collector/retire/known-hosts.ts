/** All that the verdict needs of each host: those that report or did, and those that are expected. */
import type { HostState } from '../hosts/host-state.ts';
import { type ExpectedHost, missingOf } from './expected.ts';
import type { KnownHost } from './retire-verdict.ts';

/** Whether an agent of Holdfast reports the host. Other programs of OpenTelemetry cannot tell what a host depends on. */
export function isOfHoldfast({ sequence, told, toldProblem }: HostState): boolean {
  return sequence > 0 || told !== null || toldProblem !== '';
}

/** A silent host gets no grace after a start of the collector: until it is heard, nobody knows what it does. */
export function knownHosts(hosts: Iterable<HostState>, expected: Iterable<ExpectedHost>, now: number): KnownHost[] {
  const present = [...hosts].filter((host) => host.retired === 0 && isOfHoldfast(host));
  const missing = missingOf(expected, present).map((one): KnownHost => {
    const { kind, id, name, seen } = one;
    return { ...NOTHING, id, name, standing: kind === 'lost' ? 'lost' : 'never', seen };
  });
  return [...present.map((host) => knownHost(host, now)), ...missing];
}

const NOTHING = { told: null, toldProblem: '', doubt: '', asked: [], askedLost: 0, watchedSince: () => null };

function knownHost(host: HostState, now: number): KnownHost {
  const { key, resource, pulse, speaker, told, toldProblem, asked } = host;
  const silent = pulse.beaten === 0 || pulse.silent(0, now);
  return {
    id: key,
    name: String(resource['host.name'] ?? '') || key,
    standing: silent ? 'silent' : 'reports',
    seen: host.seen,
    told,
    toldProblem,
    doubt: speaker.doubt(pulse.interval, now),
    asked: asked ?? [],
    askedLost: asked?.lost ?? 0,
    watchedSince: (server) => asked?.watchedSince(server) ?? null,
  };
}
