/**
 * Decides about a trial by its witnesses. Only witnesses that answered before the change count. Only a witness whose
 * silence the change can explain speaks against the change, because a collector that dies must not put a fleet back.
 */

export type WitnessKind = 'collector' | 'inbound' | 'host' | 'gateway' | 'nameserver' | 'tcp' | 'ping';

/** An address at which a witness was asked. */
export interface WitnessPlace {
  readonly address: string;
  /** The kernel's way there, as text (`via 10.0.0.1 dev eth0 src 10.0.0.2`); null if the kernel has none. */
  readonly way: string | null;
}

export interface WitnessAnswer {
  /** The name of the witness, which no other witness has. */
  readonly witness: string;
  readonly kind: WitnessKind;
  /** Whether the witness did what it was asked for. The collector does so when it acknowledges this change. */
  readonly answered: boolean;
  /** Whether anything came back, as a refused connection or a wrong certificate does: the path works both ways. */
  readonly reached: boolean;
  /** Set if another program answered in the collector's place: no collector of ours can be asked. */
  readonly foreign?: true;
  /** Empty if its name is not found, or if its place is unknown. */
  readonly places: readonly WitnessPlace[];
  /** Why it did not answer, in a few words; null if it answered. */
  readonly why: string | null;
}

/** The names of the witnesses that answered. */
export function namesAnswering(answers: readonly WitnessAnswer[]): string[] {
  return answers.filter(({ answered }) => answered).map(({ witness }) => witness);
}

export interface Touches {
  /** Whether the change may stop packets although the kernel's way stays the same: rp_filter, masquerade, an MTU. */
  readonly path: boolean;
  /** Whether the change may give names other addresses. If not, the owner of a name has moved it. */
  readonly names: boolean;
  readonly by: 'collector' | 'local';
}

export interface Judgement {
  /** `undecided`: not every former witness was asked yet. */
  readonly kind: 'confirmed' | 'provisional' | 'put-back' | 'undecided';
  /** A sentence without its full stop. */
  readonly reason: string;
}

/** `after`: the latest answers. The judgement is final at the end of the trial; `confirmed` ends the trial at once. */
export function judge(before: readonly WitnessAnswer[], after: readonly WitnessAnswer[], touches: Touches): Judgement {
  const former = before.filter(({ answered }) => answered);
  if (former.length === 0) {
    const reason = `no witness answered before the change, so nothing could be proved${complaints(before)}`;
    return { kind: 'provisional', reason };
  }
  const now = new Map(after.map((answer) => [answer.witness, answer]));
  const pairs = former.flatMap((then) => {
    const answer = now.get(then.witness);
    return answer === undefined ? [] : [{ then, now: answer }];
  });
  if (pairs.length < former.length) return { kind: 'undecided', reason: 'not every witness was asked yet' };
  const lost = pairs.filter(({ now }) => !now.answered);
  if (lost.length === 0) return unlessUnacknowledged(before, former, touches);
  const gone = lost.filter(({ now }) => !now.reached);
  if (gone.length === pairs.length) {
    const all = former.length === 1 ? 'the only witness is' : `all ${former.length} witnesses are`;
    return { kind: 'put-back', reason: `${all} gone${complaints(lost.map(({ now }) => now))}` };
  }
  const blamed = lost.flatMap(({ then, now }) => {
    const because = blame(then, now, touches);
    return because === null ? [] : [`${now.witness} is lost (${now.why}), and ${because}`];
  });
  if (blamed.length > 0) return { kind: 'put-back', reason: blamed.join('; ') };
  const silent = lost.map(({ now }) => `${now.witness} is lost (${now.why})`).join('; ');
  return { kind: 'provisional', reason: `${silent}; nothing that was changed explains it` };
}

/** All former witnesses answered. With `by: collector` the collector must be one of them, unless it is none of ours. */
function unlessUnacknowledged(
  before: readonly WitnessAnswer[],
  former: readonly WitnessAnswer[],
  { by }: Touches,
): Judgement {
  const names = former.map(({ witness }) => witness).join(', ');
  const confirmed: Judgement = {
    kind: 'confirmed',
    reason: `as before the change, these answer: ${names}${uncounted(before)}`,
  };
  const collectors = before.filter(({ kind }) => kind === 'collector');
  if (by === 'local' || collectors.length === 0 || collectors.some(({ answered }) => answered)) return confirmed;
  const [other] = collectors.filter(({ foreign }) => foreign);
  if (other === undefined) {
    const reason = `the collector did not answer before the change${complaints(collectors)}; as before, these answer: ${names}`;
    return { kind: 'provisional', reason };
  }
  return { ...confirmed, reason: `${confirmed.reason}; confirmed without the collector, because ${other.why}` };
}

/** Kinds of the witnesses in `also` and `inbound`. */
const OF_ALSO: readonly WitnessKind[] = ['inbound', 'host', 'tcp', 'ping'];
/** Witnesses that are found by the default route, and not by a name. */
const BY_ROUTE: readonly WitnessKind[] = ['gateway', 'ping'];

/** The witnesses that an operator named and that did not answer before the change: nobody else would say so. */
function uncounted(before: readonly WitnessAnswer[]): string {
  const named = before.filter(({ kind, answered, places }) => OF_ALSO.includes(kind) && !answered && places.length > 0);
  return named.length === 0 ? '' : `; these did not answer before, so they do not count${complaints(named)}`;
}

/** Why the change may have silenced the witness; null if it cannot. */
function blame(then: WitnessAnswer, now: WitnessAnswer, { path, names }: Touches): string | null {
  const places = new Map(then.places.map(({ address, way }) => [address, way]));
  const common = now.places.filter(({ address }) => places.has(address));
  if (then.places.length > 0 && common.length === 0) {
    const addresses = now.places.map(({ address }) => address);
    if (addresses.length === 0) return 'its address is no longer found';
    if (names || BY_ROUTE.includes(now.kind))
      return `its address is now ${addresses.join(', ')}, and was ${[...places.keys()].join(', ')}`;
  }
  if (now.reached) return null;
  const moved = common.find(({ address, way }) => way !== places.get(address));
  if (moved !== undefined) {
    const was = places.get(moved.address) ?? 'none';
    return `the way to ${moved.address} is now ${moved.way ?? 'none'}, and was ${was}`;
  }
  return path ? 'the change touches what may stop packets on their way' : null;
}

/**
 * Why a change of routes is to blame for a loss after a lease event or a boot; null if that is in doubt. An outage of the
 * network at that moment must not put a change back. Therefore every former witness must be gone, each by another way than
 * before, while this host has the addresses that it had towards them. Without any way, the router or its routes may only
 * be late. `own`: the addresses of this host on links with a carrier.
 */
export function laterLoss(
  before: readonly WitnessAnswer[],
  after: readonly WitnessAnswer[],
  own: ReadonlySet<string>,
): string | null {
  const now = new Map(after.map((answer) => [answer.witness, answer]));
  const former = before.filter(({ answered }) => answered);
  const reasons = former.map((then) => {
    const answer = now.get(then.witness);
    if (answer === undefined || answer.answered || answer.reached) return null;
    if (then.places.length === 0 || !then.places.every((place) => hasOwnSource(place, then.kind, own))) return null;
    if (answer.places.length === 0 || answer.places.some(({ way }) => way === null)) return null;
    const because = blame(then, answer, { path: false, names: false, by: 'local' });
    return because === null ? null : `${answer.witness} is lost (${answer.why}), and ${because}`;
  });
  // The way to a gateway names no source, so another witness must show that a link has a carrier.
  if (!former.some(({ places }) => places.some((place) => sourceOf(place) !== null))) return null;
  const all = reasons.filter((reason) => reason !== null);
  return all.length < reasons.length ? null : all.join('; ');
}

function hasOwnSource(place: WitnessPlace, kind: WitnessKind, own: ReadonlySet<string>): boolean {
  const source = sourceOf(place);
  return source === null ? BY_ROUTE.includes(kind) : own.has(source);
}

/** The address of this host from which packets went there; null if the way does not say. */
function sourceOf({ way }: WitnessPlace): string | null {
  return / src (\S+)/.exec(` ${way}`)?.[1] ?? null;
}

function complaints(answers: readonly WitnessAnswer[]): string {
  if (answers.length === 0) return '';
  return ` (${answers.map(({ witness, why }) => `${witness}: ${why}`).join('; ')})`;
}
