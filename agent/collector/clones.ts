/**
 * Tells hosts apart that say the same `host.id`: clones of one image, which share its machine-id.
 *
 * An agent is known by when it started and by its host's name. One that starts anew, or whose host is renamed, takes the place of
 * what was there; but an agent, or a name, that was replaced does not come back. Where one does, and its heartbeats go on, there
 * are two: from then on each is a host of its own.
 */
import type { Host } from './host.ts';
import { plural, some } from './words.ts';

/** What a heartbeat says of the agent that sent it. */
export interface Agent {
  /** When it started, in milliseconds since the epoch, by its own clock. */
  readonly start: number;
  /** `host.name`. */
  readonly name: string;
  /** The number of the heartbeat. */
  readonly sequence: number;
  /** Of the heartbeat, by the agent's clock. */
  readonly time: number;
}

/** Agents that were replaced and are remembered, for one id. */
const MOST_PAST = 1_000;
/** Milliseconds: a host that was not heard of for so long is no longer told as a duplicate of the others. */
const PRESENT = 3_600_000;
/** Heartbeats that come again, as of a clone that was copied while its agent ran, after which that is believed. */
const RETURNS = 3;

interface Group {
  readonly members: Set<Host>;
  /** By agent: those that are now; the last number of those that were; those of which only older heartbeats came. */
  readonly now: Map<string, Host>;
  readonly past: Map<string, number>;
  readonly odd: Map<string, number>;
  /** Names that were replaced by others. */
  readonly names: Set<string>;
  /** When an agent was last replaced, by our clock. */
  changed: number;
}

/** Whose a heartbeat is. `host` null: of a host that is not known yet. `late`: older than what is known, so only for charts. */
export interface Whose {
  readonly host: Host | null;
  readonly late: boolean;
}

export class Clones {
  /** By what the hosts say they are; only where more than one agent was met. */
  readonly #groups = new Map<string, Group>();

  /** `known`: the host that a heartbeat would be of without clones. Where it is of none that is known, `admit` is to be told of it. */
  resolve(id: string, known: Host, agent: Agent, now: number): Whose {
    const token = tokenOf(agent);
    const before = this.#groups.get(id);
    if (before === undefined && (known.agent === '' || known.agent === token)) return placed(known, token, agent);
    const group = before ?? this.#begin(id, known, now);
    const found = group.now.get(token);
    if (found !== undefined) return placed(found, token, agent);
    const ended = group.past.get(token);
    // What does not go on is sent again, or late.
    if (ended !== undefined) return agent.sequence <= ended ? { host: known, late: true } : { host: null, late: false };
    if (older(agent, known) && agent.sequence > (group.odd.get(token) ?? Number.NEGATIVE_INFINITY)) {
      // Late; but where more of it comes, its host was started again with its clock set back.
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

  /** A new host of this id. */
  admit(id: string, host: Host, agent: Agent): void {
    const token = tokenOf(agent);
    const group = this.#groups.get(id);
    group?.past.delete(token);
    group?.names.delete(agent.name);
    group?.now.set(token, place(host, token));
    group?.members.add(host);
  }

  /** After a restart: hosts that were told apart before. */
  restore(id: string, hosts: readonly Host[], now: number): void {
    const group = this.#begin(id, hosts[0]!, now);
    for (const host of hosts) {
      group.members.add(host);
      host.agent = tokenOf({ start: host.start, name: nameOf(host) });
      group.now.set(host.agent, host);
    }
  }

  forget(id: string, host: Host): void {
    const group = this.#groups.get(id);
    if (group === undefined) return;
    group.members.delete(host);
    group.now.delete(host.agent);
    if (group.members.size === 0) this.#groups.delete(id);
  }

  /** Ends what was begun for an agent that has not come back. */
  tidy(now: number): void {
    for (const [id, { members, changed }] of this.#groups) {
      const [only] = members;
      if (members.size === 1 && now - changed > PRESENT + 3 * only!.pulse.interval) this.#groups.delete(id);
    }
  }

  /** The host of an id that has this name; else any of the id; undefined: none is told apart. */
  member(id: string, name: string): Host | undefined {
    const members = [...(this.#groups.get(id)?.members ?? [])];
    return members.find((host) => nameOf(host) === name) ?? members[0];
  }

  /** All hosts that are told apart. */
  *all(): Generator<Host> {
    for (const { members } of this.#groups.values()) if (members.size > 1) yield* members;
  }

  /** A sentence about those that say the same id as this host; '': nobody does. */
  sentence(host: Host, now: number): string {
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

  #begin(id: string, known: Host, now: number): Group {
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

/** Notes that a heartbeat's number had come before, though not as the same heartbeat. */
export function noteReturn(host: Host, now: number): void {
  const count = now - host.returned.at < PRESENT ? host.returned.count : 0;
  host.returned = { count: count + 1, at: now };
}

/** Which host an agent that was never met takes the place of; null: of none. */
function heir({ members, names }: Group, name: string, now: number): Host | null {
  // Of clones that have one name too it is the one that was quiet the longest.
  const quiet = (hosts: Host[]) => hosts.toSorted((a, b) => a.seen - b.seen)[0] ?? null;
  const named = [...members].filter((host) => nameOf(host) === name);
  if (named.length > 0) return quiet(named);
  if (names.has(name)) return null;
  if (members.size === 1) return [...members][0]!;
  return quiet([...members].filter((host) => host.pulse.silent(0, now)));
}

function older({ sequence, time }: Agent, host: Host): boolean {
  return sequence < host.sequence && time < host.pulse.time;
}

function placed(host: Host, token: string, agent: Agent): Whose {
  return { host: place(host, token), late: older(agent, host) };
}

function place(host: Host, token: string): Host {
  host.agent = token;
  return host;
}

/** The oldest goes where there are too many. */
function remember(agents: Map<string, number>, token: string, sequence: number): void {
  if (agents.size >= MOST_PAST) agents.delete(agents.keys().next().value!);
  agents.set(token, sequence);
}

function nameOf({ resource }: Host): string {
  return String(resource['host.name'] ?? '');
}

function tokenOf({ start, name }: Pick<Agent, 'start' | 'name'>): string {
  return `${start} ${name}`;
}
