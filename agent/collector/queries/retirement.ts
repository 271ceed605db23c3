/** The API's answers about switching an address off. Each answer may be a second old, because it looks at all hosts. */
import { Refused } from '../admission/body.ts';
import type { ExpectedAnswer, NameserversAnswer, RetireAnswer } from '../api.ts';
import { addressValue } from '../dependences/address-value.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { HostState } from '../hosts/host-state.ts';
import { type ExpectedHosts, sameName } from '../retire/expected.ts';
import { knownHosts } from '../retire/known-hosts.ts';
import { nameserversOf } from '../retire/nameservers.ts';
import { type KnownHost, type RetireVerdict, retireVerdict } from '../retire/retire-verdict.ts';
import { cut } from '../wire/otlp.ts';
import { onlyThese, wholeNumber } from './parameters.ts';
import type { Troubles } from './trouble.ts';

/** Milliseconds for which an answer is given again. */
const FRESH = 1_000;
/** Milliseconds for which a host that sends only events counts as reporting. */
const ONLY_EVENTS = 60_000;
/** The most verdicts that are remembered meanwhile, and the most hosts of one answer. */
const MOST_VERDICTS = 100;
const MOST = 10_000;
/** Troubles that can make hosts look other than they are. */
const BLOCKING: ReadonlySet<string> = new Set(['disk', 'database', 'left-out', 'clock', 'expected']);

export class Retirement {
  readonly #fleet: Fleet;
  readonly #expected: ExpectedHosts;
  readonly #troubles: Pick<Troubles, 'list'>;
  readonly #begun: number;
  #looked = 0;
  #hosts: readonly KnownHost[] = [];
  #verdicts = new Map<string, RetireVerdict>();
  #nameservers: NameserversAnswer['nameservers'] | null = null;

  /** `begun`: when the collector began with an empty database, in milliseconds since the epoch. */
  constructor(fleet: Fleet, expected: ExpectedHosts, troubles: Pick<Troubles, 'list'>, begun: number) {
    this.#fleet = fleet;
    this.#expected = expected;
    this.#troubles = troubles;
    this.#begun = begun;
  }

  /** `?address=&limit=&offset=`. Throws Refused. */
  verdict(parameters: URLSearchParams, now: number): RetireAnswer {
    onlyThese(parameters, ['address', 'format', 'limit', 'offset']);
    const { dependents, unseen, ...rest } = this.whole(parameters, now);
    const offset = wholeNumber(parameters, 'offset', 0, Number.MAX_SAFE_INTEGER);
    const limit = wholeNumber(parameters, 'limit', 1_000, MOST);
    return {
      ...rest,
      time: now,
      dependents: { total: dependents.length, hosts: dependents.slice(offset, offset + limit) },
      unseen: { total: unseen.length, hosts: unseen.slice(offset, offset + limit) },
    };
  }

  /** The verdict on `address`, with all hosts. Throws Refused if the parameter is no address. */
  whole(parameters: URLSearchParams, now: number): RetireVerdict {
    const text = (parameters.get('address') ?? '').trim();
    if (text === '') throw new Refused(400, '"address" is missing');
    const address = addressValue(text);
    if (address === null) throw new Refused(400, `"address" is not an IP address: ${cut(text, 50)}`);
    const hosts = this.#known(now);
    const known = this.#verdicts.get(address);
    if (known !== undefined) return known;
    const begun = this.#expected.isGiven ? null : Math.min(this.#begun, now);
    const troubles = this.#troubles.list.filter(({ code }) => BLOCKING.has(code)).map(({ text: sentence }) => sentence);
    const verdict = retireVerdict({ address, now, hosts, troubles, begun });
    if (this.#verdicts.size < MOST_VERDICTS) this.#verdicts.set(address, verdict);
    return verdict;
  }

  /** `?limit=&offset=`. Throws Refused. */
  nameservers(parameters: URLSearchParams, now: number): NameserversAnswer {
    onlyThese(parameters, ['limit', 'offset']);
    const hosts = this.#known(now);
    this.#nameservers ??= nameserversOf(hosts);
    const offset = wholeNumber(parameters, 'offset', 0, Number.MAX_SAFE_INTEGER);
    const limit = wholeNumber(parameters, 'limit', 1_000, MOST);
    return { total: this.#nameservers.length, nameservers: this.#nameservers.slice(offset, offset + limit) };
  }

  /** The expected hosts that do not report, and what the API gave. */
  expected(now: number): ExpectedAnswer {
    const missing = this.#known(now).filter(({ standing }) => standing !== 'reports');
    const hosts = missing.slice(0, MOST).map(({ id, name, standing, seen }) => ({ id, name, standing, seen }));
    return { total: missing.length, missing: hosts, given: this.#expected.given };
  }

  give(names: readonly string[]): void {
    this.#expected.give(names);
    this.#looked = 0;
  }

  /** Takes a host off the list until it reports again. Throws Refused if it reports, or is expected by the file. */
  retire(name: string, now: number): void {
    const host = this.#hostOf(name);
    const names = host === null ? [name] : [name, host.key, String(host.resource['host.name'] ?? name)];
    if (host !== null && reports(host, now)) {
      throw new Refused(409, 'this host reports, so it would come back at once: stop its agent first');
    }
    if (this.#expected.inFile(names)) {
      throw new Refused(409, 'this host stands in the file of --expect: take it out there first');
    }
    const listed = this.#expected.retire(names);
    if (host === null && !listed) throw new Refused(404, 'no such host');
    if (host !== null) this.#fleet.retire(host, now);
    this.#looked = 0;
  }

  /** The host with this id, else the only one with this name; null if there is none. Throws Refused. */
  #hostOf(name: string): HostState | null {
    const present = [...this.#fleet.hosts].filter(({ retired }) => retired === 0);
    const byId = present.find(({ key }) => key === name);
    if (byId !== undefined) return byId;
    const named = present.filter(({ resource }) => sameName(String(resource['host.name'] ?? ''), name));
    if (named.length > 1) {
      throw new Refused(409, `${named.length} hosts have this name: give the id of one, such as ${named[0]!.key}`);
    }
    return named[0] ?? null;
  }

  #known(now: number): readonly KnownHost[] {
    if (Math.abs(now - this.#looked) < FRESH) return this.#hosts;
    this.#looked = now;
    this.#hosts = knownHosts(this.#fleet.hosts, this.#expected, now);
    this.#verdicts = new Map();
    this.#nameservers = null;
    return this.#hosts;
  }
}

/** Whether a host was heard lately. One that sends only events has no interval. */
function reports({ pulse, seen }: HostState, now: number): boolean {
  return pulse.beaten > 0 ? !pulse.silent(0, now) : now - seen < ONLY_EVENTS;
}
