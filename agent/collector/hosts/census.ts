/** Finds the host of a request, by its resource and by the agent that sends it. Makes hosts and forgets them. */
import { cut, LIMITS, MalformedRequest, type OtlpAttributes, type OtlpResource } from '../wire/otlp.ts';
import { type Agent, Clones, type Whose } from './clones.ts';
import type { HostState } from './host-state.ts';
import { Hosts } from './hosts.ts';

export interface CensusEvents {
  /** Called if a host is new, or if its name, labels or agent changed. */
  described(host: HostState): void;
  forgotten(host: HostState, now: number): void;
}

/** A known host. */
interface Found extends Whose {
  readonly host: HostState;
}

export class Census {
  readonly hosts: Hosts;
  readonly clones = new Clones();
  readonly #on: CensusEvents;
  /** Hosts by the bytes of their resource. */
  readonly #byResource = new Map<string, HostState>();

  /** `next` is the number of the next new host. */
  constructor(next: number, on: CensusEvents) {
    this.hosts = new Hosts(next);
    this.#on = on;
  }

  /**
   * Returns null if there is no room. `agent` is null if the sender does not report it. Throws MalformedRequest if the
   * resource is malformed.
   */
  of(resource: OtlpResource, agent: Omit<Agent, 'name'> | null, now: number, sender: string): Found | null {
    const known = this.#byResource.get(resource.key);
    const attributes = known?.resource ?? resource.read();
    const id = known?.identity ?? addressable(keyOf(attributes));
    const name = String(attributes['host.name'] ?? '');
    const candidate = known ?? this.#candidate(id, name) ?? this.#add(id, id, now, sender);
    if (candidate === null) return null;
    let { host, late }: Whose = { host: candidate, late: false };
    if (agent !== null) {
      ({ host, late } = this.clones.resolve(id, candidate, { ...agent, name }, now));
      if (host === null) {
        host = this.#add(this.#freeKey(id), id, now, sender);
        if (host === null) return null;
        this.clones.admit(id, host, { ...agent, name });
      }
      if (!late && host.start !== agent.start) {
        host.start = agent.start;
        this.#on.described(host);
      }
    }
    if (!late && host.resourceKey !== resource.key) this.#describe(host, resource.key, attributes);
    return { host, late };
  }

  /** Notes that a host was heard. */
  touch(host: HostState, sender: string): void {
    if (this.hosts.touch(host, sender)) this.#on.described(host);
  }

  restore(host: HostState, resource: OtlpAttributes): void {
    host.resource = resource;
    host.identity = keyOf(resource);
    host.pulse.declare(resource['holdfast.report.interval']);
  }

  forget(host: HostState, now: number): void {
    this.hosts.forget(host);
    this.clones.forget(host.identity, host);
    if (this.#byResource.get(host.resourceKey) === host) this.#byResource.delete(host.resourceKey);
    this.#on.forgotten(host, now);
  }

  #candidate(id: string, name: string): HostState | undefined {
    return this.clones.member(id, name) ?? this.hosts.find(id);
  }

  #add(key: string, identity: string, now: number, sender: string): HostState | null {
    while (!this.hosts.room) {
      const surplus = this.hosts.surplus(sender, now);
      if (surplus.length === 0) return null;
      for (const host of surplus) this.forget(host, now);
    }
    const host = this.hosts.add(key, now, sender);
    host.identity = identity;
    return host;
  }

  #freeKey(id: string): string {
    for (let number = 2; ; number += 1) if (this.hosts.find(`${id}~${number}`) === undefined) return `${id}~${number}`;
  }

  #describe(host: HostState, key: string, attributes: OtlpAttributes): void {
    if (this.#byResource.get(host.resourceKey) === host) this.#byResource.delete(host.resourceKey);
    this.#byResource.set(key, host);
    host.resourceKey = key;
    host.resource = attributes;
    host.pulse.declare(attributes['holdfast.report.interval']);
    this.#on.described(host);
  }
}

/** The id of a resource: `host.id`, or otherwise its next best attribute. */
function keyOf(attributes: OtlpAttributes): string {
  const names = ['host.id', 'host.name', 'service.instance.id', 'service.name'];
  const found = names.map((name) => String(attributes[name] ?? '')).find((value) => value !== '');
  return cut(found ?? 'unknown', LIMITS.attributeKey);
}

/**
 * Every browser removes such a name from an address, however it is written (RFC 3986, 5.2.4). Throws MalformedRequest.
 */
function addressable(id: string): string {
  if (id === '.' || id === '..')
    throw new MalformedRequest(`a host may not be called "${id}": give it another host.id`);
  return id;
}
