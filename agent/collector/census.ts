/** Which host a request is of: by what its resource says, and by the agent that sends for it. Makes hosts, and forgets them. */
import { type Agent, Clones, type Whose } from './clones.ts';
import type { Host } from './host.ts';
import { Hosts } from './hosts.ts';
import { type Attributes, cut, LIMITS, MalformedRequest, type Resource } from './otlp.ts';

export interface CensusEvents {
  /** Its name, its labels or its agent are others, or it is new. */
  described(host: Host): void;
  forgotten(host: Host, now: number): void;
}

/** As the census knows it: a host there is. */
interface Found extends Whose {
  readonly host: Host;
}

export class Census {
  readonly hosts: Hosts;
  readonly clones = new Clones();
  readonly #on: CensusEvents;
  /** By the bytes of the resource. */
  readonly #byResource = new Map<string, Host>();

  /** `next`: the number that the next host gets. */
  constructor(next: number, on: CensusEvents) {
    this.hosts = new Hosts(next);
    this.#on = on;
  }

  /** null: there is no room for it. `agent` null: the sender does not say. Throws MalformedRequest where the resource cannot be read. */
  of(resource: Resource, agent: Omit<Agent, 'name'> | null, now: number, sender: string): Found | null {
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

  /** It was heard of. */
  touch(host: Host, sender: string): void {
    if (this.hosts.touch(host, sender)) this.#on.described(host);
  }

  restore(host: Host, resource: Attributes): void {
    host.resource = resource;
    host.identity = keyOf(resource);
    host.pulse.declare(resource['holdfast.report.interval']);
  }

  forget(host: Host, now: number): void {
    this.hosts.forget(host);
    this.clones.forget(host.identity, host);
    if (this.#byResource.get(host.resourceKey) === host) this.#byResource.delete(host.resourceKey);
    this.#on.forgotten(host, now);
  }

  #candidate(id: string, name: string): Host | undefined {
    return this.clones.member(id, name) ?? this.hosts.find(id);
  }

  #add(key: string, identity: string, now: number, sender: string): Host | null {
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

  #describe(host: Host, key: string, attributes: Attributes): void {
    if (this.#byResource.get(host.resourceKey) === host) this.#byResource.delete(host.resourceKey);
    this.#byResource.set(key, host);
    host.resourceKey = key;
    host.resource = attributes;
    host.pulse.declare(attributes['holdfast.report.interval']);
    this.#on.described(host);
  }
}

/** A resource that does not say which host it is goes by the next best that it says. */
function keyOf(attributes: Attributes): string {
  const names = ['host.id', 'host.name', 'service.instance.id', 'service.name'];
  const found = names.map((name) => String(attributes[name] ?? '')).find((value) => value !== '');
  return cut(found ?? 'unknown', LIMITS.attributeKey);
}

/** Every browser takes such a name out of an address, however it is written (RFC 3986, 5.2.4). Throws MalformedRequest. */
function addressable(id: string): string {
  if (id === '.' || id === '..')
    throw new MalformedRequest(`a host may not be called "${id}": give it another host.id`);
  return id;
}
