/** The contract of a witness of a trial: somebody beyond this host who shows that the host is still reached. */
import { errorMessage } from '../../host/errors.ts';
import type { WitnessAnswer, WitnessKind, WitnessPlace } from '../judgement.ts';

/** The trial about which a witness is asked. */
export interface TrialQuestion {
  /** The change id. */
  readonly change: string;
  /** When the change began, by monotonicNow(); null before the change. */
  readonly since: number | null;
}

export interface ConfirmWitness {
  /** `gateway (IPv4)`, `tcp 10.0.0.5:22`, `collector https://c.example.com (IPv6)`: no other witness has it. */
  readonly name: string;
  readonly kind: WitnessKind;
  /**
   * Asks anew each time: a new look-up, a new connection, a new TLS handshake. Takes at most ASK_LIMIT. Rejects only with
   * the reason of `signal`.
   */
  ask(question: TrialQuestion, signal: AbortSignal): Promise<WitnessAnswer>;
}

/** Milliseconds for the look-up, and again for the answer. */
export const ASK_LIMIT = 8_000;

/** `reached` and `why` as in WitnessAnswer. */
export interface Hearing {
  readonly reached: boolean;
  readonly why: string | null;
}

export const ANSWERS: Hearing = { reached: true, why: null };

export function silent(why: string): Hearing {
  return { reached: false, why };
}

export interface WitnessParts {
  readonly name: string;
  readonly kind: WitnessKind;
  readonly places: (signal: AbortSignal) => Promise<readonly WitnessPlace[]>;
  /** Asks at these places, which are at least one. */
  readonly hear: (places: readonly WitnessPlace[], question: TrialQuestion, signal: AbortSignal) => Promise<Hearing>;
  /** Why there is no place to ask at. */
  readonly astray: string;
}

export function makeWitness({ name, kind, places, hear, astray }: WitnessParts): ConfirmWitness {
  return {
    name,
    kind,
    async ask(question, signal) {
      const found = await places(AbortSignal.any([signal, AbortSignal.timeout(ASK_LIMIT)])).catch(() => []);
      signal.throwIfAborted();
      const { reached, why } =
        found.length === 0 ? silent(astray) : await heardInTime((limit) => hear(found, question, limit), signal);
      signal.throwIfAborted();
      return { witness: name, kind, answered: why === null, reached: reached || why === null, places: found, why };
    },
  };
}

async function heardInTime(hear: (signal: AbortSignal) => Promise<Hearing>, signal: AbortSignal): Promise<Hearing> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ASK_LIMIT)]);
  try {
    return await hear(limit);
  } catch (error) {
    return silent(limit.aborted ? `no answer within ${ASK_LIMIT / 1000} s` : errorMessage(error));
  }
}
