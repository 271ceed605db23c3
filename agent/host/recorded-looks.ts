/**
 * The record of what a run of the agent saw of the host: its looks, each with the answer. If a run depends on its looks
 * alone, and all of them are answered the same later, then a later run finds the same (same-looks.ts). A run that changes
 * the host, or depends on another program or on the time, says so by `notByLooks`.
 */

/** A look and its answer, both as text. */
export type Look = readonly [kind: string, about: string, answer: string];

export interface LookRecord {
  readonly looks: readonly Look[];
  /** Milliseconds since the epoch from which on the run would decide otherwise, whatever it sees; null if none. */
  readonly end: number | null;
}

/** Characters of all answers. A run that reads more is not recorded, because comparing them would take as long. */
const MOST = 1 << 20;

/** By kind and `about`; null while nothing is recorded. */
let taken: Map<string, Look> | null = null;
let size = 0;
let end: number | null = null;
/** Whether the present looks are parts of a larger look, or decide nothing. */
let aside = false;

export function recordLooks(): void {
  taken = new Map();
  size = 0;
  end = null;
}

/** Ends the recording. Returns null if the run depended on more than its looks. */
export function recordedLooks(): LookRecord | null {
  const all = taken;
  taken = null;
  return all === null ? null : { looks: [...all.values()], end };
}

/** Ends the recording without a result. Work that only saves other work does not end it. */
export function notByLooks(): void {
  if (!aside) taken = null;
}

/** Says that the run decides otherwise from that time on (milliseconds since the epoch). */
export function onlyBefore(time: number): void {
  end = Math.min(end ?? time, time);
}

export function isRecording(): boolean {
  return taken !== null && !aside;
}

/** The recorded answer; null if there is none. */
export function recordedAnswer(kind: string, about: string): string | null {
  return taken?.get(keyOf(kind, about))?.[2] ?? null;
}

/** Ends the recording if an answer of that many characters has no place: a long answer need not be gathered first. */
export function endUnlessRoom(characters: number): void {
  if (size + characters > MOST) notByLooks();
}

/** Keeps a look and its answer. A look that had another answer earlier in the same run ends the recording. */
export function noteLook(kind: string, about: string, answer: string): void {
  if (taken === null || aside) return;
  const before = recordedAnswer(kind, about);
  if (before === null) {
    taken.set(keyOf(kind, about), [kind, about, answer]);
    size += answer.length;
  }
  if (size > MOST || (before !== null && before !== answer)) notByLooks();
}

/**
 * Looks, and keeps the answer, also if it is an error. `text`: two answers with the same text mean the same to every
 * caller.
 */
export function looked<T>(kind: string, about: string, look: () => T, text: (answer: T) => string): T {
  if (!isRecording()) return look();
  try {
    const answer = unrecorded(look);
    noteLook(kind, about, text(answer));
    return answer;
  } catch (error) {
    noteLook(kind, about, `\0${(error as NodeJS.ErrnoException).code ?? error}`);
    throw error;
  }
}

/** Calls `look` and keeps none of its looks, because they are parts of a larger look, or only save work. */
export function unrecorded<T>(look: () => T): T {
  const before = aside;
  aside = true;
  try {
    return look();
  } finally {
    aside = before;
  }
}

function keyOf(kind: string, about: string): string {
  return `${kind} ${about}`;
}
