/**
 * The hosts that should report. The operator gives names or ids, in a file and by the API. Each host that reported once
 * is expected too, also after the collector forgot its data, until an operator retires it.
 */
import { Shares } from '../admission/shares.ts';
import { MOST_NAMES } from './expected-names.ts';

export interface ExpectedHost {
  /** `given`: by the API. `lost`: it reported once, and was forgotten. `file`: it stands in the file. */
  readonly kind: 'given' | 'lost' | 'file';
  /** The id of a lost host; the name or id that the operator gave. */
  readonly id: string;
  readonly name: string;
  /** When a lost host was heard for the last time; 0 for the others. */
  readonly seen: number;
  /** The sender of a lost host (sender.ts); '' for the others. */
  readonly sender: string;
}

/** What the list needs of a host. */
interface Named {
  readonly key: string;
  readonly resource: Readonly<Record<string, unknown>>;
}

/** The most lost hosts. Beyond them the sender that has the most loses its oldest. */
const MOST_LOST = 10_000;

export class ExpectedHosts {
  readonly #save: (all: Iterable<ExpectedHost>) => void;
  #given = new Map<string, ExpectedHost>();
  readonly #lost = new Map<string, ExpectedHost>();
  readonly #senders = new Shares();
  #file: readonly ExpectedHost[] = [];
  #unsaved = false;

  /** `save` stores all but those of the file, or throws. */
  constructor(stored: Iterable<ExpectedHost>, save: (all: Iterable<ExpectedHost>) => void) {
    this.#save = save;
    for (const one of stored) {
      if (one.kind === 'given') this.#given.set(one.id, one);
      else this.#addLost(one);
    }
  }

  *[Symbol.iterator](): Generator<ExpectedHost> {
    yield* this.#file;
    yield* this.#given.values();
    yield* this.#lost.values();
  }

  /** Whether an operator said which hosts exist. */
  get isGiven(): boolean {
    return this.#file.length + this.#given.size > 0;
  }

  /** The names that the API gave. */
  get given(): string[] {
    return [...this.#given.keys()];
  }

  /** Takes the names of the file in place of earlier ones. */
  readFile(names: readonly string[]): void {
    this.#file = names.map((name) => listed('file', name));
  }

  /** Takes these names in place of those that the API gave earlier. Throws if they cannot be stored, and keeps those. */
  give(names: readonly string[]): void {
    const given = new Map(names.slice(0, MOST_NAMES).map((name) => [name, listed('given', name)]));
    this.#save([...given.values(), ...this.#lost.values()]);
    this.#given = given;
  }

  /** Notes a host whose data was forgotten. `flush` stores it. */
  lose(id: string, name: string, seen: number, sender: string): void {
    this.#addLost({ kind: 'lost', id, name, seen, sender });
    this.#unsaved = true;
    if (this.#lost.size <= MOST_LOST) return;
    const [largest] = this.#senders.ranked(1);
    const oldest = [...this.#lost.values()].find((one) => one.sender === largest);
    if (oldest !== undefined) this.#dropLost(oldest.id);
  }

  /** Whether the file has one of these names or ids. */
  inFile(names: readonly string[]): boolean {
    return this.#file.some((one) => isOf(one, names));
  }

  /** Takes names and ids off the list. Returns whether one was on it. Throws if the change cannot be stored. */
  retire(names: readonly string[]): boolean {
    const all = [...this.#given.values(), ...this.#lost.values()];
    const gone = all.filter((one) => isOf(one, names));
    if (gone.length === 0) return false;
    this.#save(all.filter((one) => !isOf(one, names)));
    for (const { kind, id } of gone) {
      if (kind === 'given') this.#given.delete(id);
      else this.#dropLost(id);
    }
    return true;
  }

  /** Forgets lost hosts that report again, and stores what changed. Throws if that fails; call it again later. */
  flush(reports: (id: string) => boolean): void {
    for (const id of this.#lost.keys()) {
      if (!reports(id)) continue;
      this.#dropLost(id);
      this.#unsaved = true;
    }
    if (!this.#unsaved) return;
    this.#save([...this.#given.values(), ...this.#lost.values()]);
    this.#unsaved = false;
  }

  #addLost(one: ExpectedHost): void {
    this.#dropLost(one.id);
    this.#lost.set(one.id, one);
    this.#senders.add(one.sender, 1);
  }

  #dropLost(id: string): void {
    const one = this.#lost.get(id);
    if (one === undefined) return;
    this.#lost.delete(id);
    this.#senders.add(one.sender, -1);
  }
}

/**
 * The expected hosts that none of `hosts` is: by id, or by name without regard to case. `web1` and `web1.example.com` are
 * one host if no other host and no other expected name begins with `web1`. A lost host is known by its id only.
 */
export function missingOf(expected: Iterable<ExpectedHost>, hosts: Iterable<Named>): ExpectedHost[] {
  const ids = new Set<string>();
  const names = new Set<string>();
  const labels = new Map<string, number>();
  for (const { key, resource } of hosts) {
    ids.add(key);
    const name = plain(String(resource['host.name'] ?? ''));
    if (name === '') continue;
    names.add(name);
    count(labels, labelOf(name));
  }
  const wanted = new Map<string, ExpectedHost>();
  const wantedLabels = new Map<string, number>();
  for (const one of expected) {
    const id = one.kind === 'lost' ? one.id : plain(one.id);
    if (wanted.has(id)) continue;
    wanted.set(id, one);
    if (one.kind !== 'lost') count(wantedLabels, labelOf(id));
  }
  return [...wanted].flatMap(([name, one]) => {
    if (ids.has(one.id)) return [];
    if (one.kind === 'lost') return [one];
    if (names.has(name)) return [];
    const label = labelOf(name);
    const only = labels.get(label) === 1 && wantedLabels.get(label) === 1;
    const oneHasNoDomain = name === label || names.has(label);
    return only && oneHasNoDomain ? [] : [one];
  });
}

function count(labels: Map<string, number>, label: string): void {
  labels.set(label, (labels.get(label) ?? 0) + 1);
}

export function sameName(one: string, other: string): boolean {
  return plain(one) === plain(other);
}

function isOf({ id, name }: ExpectedHost, names: readonly string[]): boolean {
  return names.some((one) => one === id || sameName(one, name));
}

function plain(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

function labelOf(name: string): string {
  return name.split('.')[0] ?? '';
}

function listed(kind: 'given' | 'file', name: string): ExpectedHost {
  return { kind, id: name, name, seen: 0, sender: '' };
}
