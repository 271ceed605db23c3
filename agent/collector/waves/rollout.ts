/** One rollout: the hosts that take one change, how far it is, and whether it was stopped. */

/**
 * How a host stands in a rollout. `lost`: it was admitted, and its result never came. It counts as put back, because the
 * change may have cut the host off.
 */
export const MEMBER_STANDINGS = ['waiting', 'admitted', 'confirmed', 'provisional', 'put-back', 'lost'] as const;
export type MemberStanding = (typeof MEMBER_STANDINGS)[number];

export interface Member {
  /** The host's key in the fleet. */
  readonly host: string;
  readonly rollout: Rollout;
  /** The hash of its configuration, and its change id. */
  readonly configuration: string;
  readonly change: string;
  readonly standing: MemberStanding;
  /** When the host asked last, or when it was admitted; milliseconds since the epoch. */
  readonly since: number;
  /** Milliseconds that its witnesses have. */
  readonly within: number;
  /** An operator let the rollout go on in spite of the host's result. */
  readonly excused: boolean;
}

export interface Stop {
  /** A sentence without its full stop. */
  readonly why: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly byOperator: boolean;
}

export class Rollout {
  readonly id: string;
  /** Whether the operator named it. Otherwise it is of the hosts with one configuration. */
  readonly named: boolean;
  /** The present wave, counted from 0. */
  wave = 0;
  /** null while it goes on. */
  stop: Stop | null = null;
  /** When it began, when it last admitted a host (0 if never), and when anything of it changed. */
  begun: number;
  admittedAt = 0;
  touched: number;
  readonly members = new Set<Member>();
  readonly #counts = new Map<MemberStanding, number>();
  #holding = 0;
  #against = 0;

  constructor(id: string, named: boolean, now: number) {
    this.id = id;
    this.named = named;
    this.begun = now;
    this.touched = now;
  }

  add(member: Member): void {
    this.members.add(member);
    this.#count(member, 1);
  }

  remove(member: Member): void {
    if (this.members.delete(member)) this.#count(member, -1);
  }

  count(standing: MemberStanding): number {
    return this.#counts.get(standing) ?? 0;
  }

  /** Hosts that were admitted so far. */
  get admitted(): number {
    return this.members.size - this.count('waiting');
  }

  /** Hosts that the wave waits for. */
  get holding(): number {
    return this.#holding;
  }

  /** Hosts whose change was put back or whose result never came, since an operator let the rollout go on. */
  get against(): number {
    return this.#against;
  }

  #count(member: Member, by: 1 | -1): void {
    this.#counts.set(member.standing, this.count(member.standing) + by);
    if (holds(member)) this.#holding += by;
    if (isAgainst(member)) this.#against += by;
  }
}

export function holds({ standing, excused }: Member): boolean {
  return !excused && (standing === 'admitted' || standing === 'provisional');
}

/** Whether the change of such a host does not stay, as far as is known. */
export function isUndone(standing: MemberStanding): boolean {
  return standing === 'put-back' || standing === 'lost';
}

export function isAgainst({ standing, excused }: Member): boolean {
  return !excused && isUndone(standing);
}
