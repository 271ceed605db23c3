/**
 * Distinguishes hosts with the same `host.id`: clones of one image, which share its machine-id.
 *
 * An agent is known by its start time and its host's name. A restarted agent, or a renamed host, takes the place of the
 * old one, and a replaced agent or name never comes back. If it does come back, and its heartbeats go on, there are two
 * hosts. From then on each is a host of its own.
 */
import { plural, some } from '../words.ts';
import type { HostState } from './host-state.ts';

/** The agent that sent a heartbeat, as the heartbeat describes it. */
export interface Agent {
  /** When it started, in milliseconds since the epoch, by its own clock. */
  readonly start: number;
  /** `host.name`. */
  readonly name: string;
  /** The number of the heartbeat. */
  readonly sequence: number;
  /** The heartbeat's time, by the agent's clock. */
  readonly time: number;
}

/** The most replaced agents that are remembered for one id. */
const MOST_PAST = 1_000;
/** Milliseconds after which a silent host is no longer reported as a duplicate. */
const PRESENT = 3_600_000;
/** Repeated heartbeat numbers after which we believe that a clone was copied while its agent ran. */
const RETURNS = 3;

interface Group {
  readonly members: Set<HostState>;
  /** The present agents: the host of each. */
  readonly now: Map<string, HostState>;
  /** The replaced agents: the last heartbeat number of each. */
  readonly past: Map<string, number>;
  /** The agents of which only older heartbeats came. */
  readonly odd: Map<string, number>;
  /** Names that were replaced by others. */
  readonly names: Set<string>;
  /** When an agent was last replaced, by our clock. */
  changed: number;
}

/**
 * The host of a heartbeat; null if the host is new. `late`: the heartbeat is older than the known values, so only
 * charts use it.
 */
export interface Whose {
  readonly host: HostState | null;
  readonly late: boolean;
}

export class Clones {
  /** Agents by the reported host id; only for ids with more than one agent. */
  readonly #groups = new Map<string, Group>();

  /** `known` is the heartbeat's host if there were no clones. If the result is a new host, call `admit` with it. */
  resolve(id: string, known: HostState, agent: Agent, now: number): Whose {
    const token = tokenOf(agent);
    const before = this.#groups.get(id);
    if (before === undefined && (known.agent === '' || known.agent === token)) return placed(known, token, agent);
    const group = before ?? this.#begin(id, known, now);
    const found = group.now.get(token);
    if (found !== undefined) return placed(found, token, agent);
    const ended = group.past.get(token);
    // A heartbeat that does not continue the count was sent again, or is late.
    if (ended !== undefined) return agent.sequence <= ended ? { host: known, late: true } : { host: null, late: false };
    if (older(agent, known) && agent.sequence > (group.odd.get(token) ?? Number.NEGATIVE_INFINITY)) {
      // A late heartbeat. If more of them come, the host was started again with its clock set back.
      const first = !group.odd.has(token);
      remember(group.odd, token, agent.sequence);
      if (first) return { host: known, late: true };
    }
    const replaced = heir(group, agent.name, now);
    if (replaced === null) return { host: null, late: false };
    if (replaced.agent !== '') remember(group.past, replaced.agent, replaced.sequence);
    group.now.delete(replaced.agent);
    if (nameOf(replaced) !== agent.name && group.names.size < MOST_PAST) group.names.add(nameOf(replaced));
    group.now.set(token, replaced);
    group.changed = now;
    return { host: place(replaced, token), late: false };
  }

  /** Adds a new host of this id. */
  admit(id: string, host: HostState, agent: Agent): void {
    const token = tokenOf(agent);
    const group = this.#groups.get(id);
    group?.past.delete(token);
    group?.names.delete(agent.name);
    group?.now.set(token, place(host, token));
    group?.members.add(host);
  }

  /** After a restart: adds hosts that were distinguished before. */
  restore(id: string, hosts: readonly HostState[], now: number): void {
    const group = this.#begin(id, hosts[0]!, now);
    for (const host of hosts) {
      group.members.add(host);
      host.agent = tokenOf({ start: host.start, name: nameOf(host) });
      group.now.set(host.agent, host);
    }
  }

  forget(id: string, host: HostState): void {
    const group = this.#groups.get(id);
    if (group === undefined) return;
    group.members.delete(host);
    group.now.delete(host.agent);
    if (group.members.size === 0) this.#groups.delete(id);
  }

  /** Forgets the suspicion about an agent that has not come back. */
  tidy(now: number): void {
    for (const [id, { members, changed }] of this.#groups) {
      const [only] = members;
      if (members.size === 1 && now - changed > PRESENT + 3 * only!.pulse.interval) this.#groups.delete(id);
    }
  }

  /** The host of an id with this name; otherwise any host of the id; undefined if the id has no clones. */
  member(id: string, name: string): HostState | undefined {
    const members = [...(this.#groups.get(id)?.members ?? [])];
    return members.find((host) => nameOf(host) === name) ?? members[0];
  }

  /** All hosts that are clones of others. */
  *all(): Generator<HostState> {
    for (const { members } of this.#groups.values()) if (members.size > 1) yield* members;
  }

  /** A sentence about the hosts with the same id; '' if the id is unique. */
  sentence(host: HostState, now: number): string {
    const others = [...(this.#groups.get(host.identity)?.members ?? [])].filter(
      (other) => other !== host && now - other.seen < PRESENT,
    );
    const cure =
      'give each clone a machine-id of its own (rm /etc/machine-id /var/lib/dbus/machine-id; systemd-machine-id-setup; reboot)';
    if (others.length > 0) {
      const names = some(others.map((other) => `${nameOf(other) || other.key}, which is ${other.key} here`));
      return `${plural(others.length, 'other host')} reported with its host.id (${names}): ${cure}`;
    }
    const { count, at } = host.returned;
    return count >= RETURNS && now - at < PRESENT ? `Two agents with one host.id and one name report: ${cure}` : '';
  }

  #begin(id: string, known: HostState, now: number): Group {
    const group: Group = {
      members: new Set([known]),
      now: new Map([[known.agent, known]]),
      past: new Map(),
      odd: new Map(),
      names: new Set(),
      changed: now,
    };
    this.#groups.set(id, group);
    return group;
  }
}

/** Notes that a different heartbeat with the same number had come before. */
export function noteReturn(host: HostState, now: number): void {
  const count = now - host.returned.at < PRESENT ? host.returned.count : 0;
  host.returned = { count: count + 1, at: now };
}

/** The host whose place a new agent takes; null if none. */
function heir({ members, names }: Group, name: string, now: number): HostState | null {
  // Among clones that also share a name, the host that was silent the longest is replaced.
  const quiet = (hosts: HostState[]) => hosts.toSorted((a, b) => a.seen - b.seen)[0] ?? null;
  const named = [...members].filter((host) => nameOf(host) === name);
  if (named.length > 0) return quiet(named);
  if (names.has(name)) return null;
  if (members.size === 1) return [...members][0]!;
  return quiet([...members].filter((host) => host.pulse.silent(0, now)));
}

function older({ sequence, time }: Agent, host: HostState): boolean {
  return sequence < host.sequence && time < host.pulse.time;
}

function placed(host: HostState, token: string, agent: Agent): Whose {
  return { host: place(host, token), late: older(agent, host) };
}

function place(host: HostState, token: string): HostState {
  host.agent = token;
  return host;
}

/** Drops the oldest if there are too many. */
function remember(agents: Map<string, number>, token: string, sequence: number): void {
  if (agents.size >= MOST_PAST) agents.delete(agents.keys().next().value!);
  agents.set(token, sequence);
}

function nameOf({ resource }: HostState): string {
  return String(resource['host.name'] ?? '');
}

function tokenOf({ start, name }: Pick<Agent, 'start' | 'name'>): string {
  return `${start} ${name}`;
}
