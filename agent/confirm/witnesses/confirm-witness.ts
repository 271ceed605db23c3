/** The contract of a witness of a trial: somebody beyond this host who shows that the host is still reached. */
import { errorMessage } from '../../host/errors.ts';
import type { WitnessAnswer, WitnessKind, WitnessPlace } from '../judgement.ts';
import { whileListening } from './listening-time.ts';

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
   * Asks anew each time: a new look-up, a new connection, a new TLS handshake. Takes at most 11 s of listening. If
   * `signal` ends the question, the answer says so, with the places where the witness was asked. Rejects if not even
   * these are known.
   */
  ask(question: TrialQuestion, signal: AbortSignal): Promise<WitnessAnswer>;
}

/** Milliseconds of listening for the look-up: glibc gives a silent name server 5 s before it asks the next one. */
const LOOK_UP_LIMIT = 6_000;
/** Milliseconds of listening for the answer, after which the witness counts as silent. */
const ANSWER_LIMIT = 5_000;
/** Milliseconds without listening, after which a silence proves nothing. */
const LATE = 500;

/** For `foreign`, `reached` and `why` see WitnessAnswer. */
export interface Hearing {
  readonly foreign?: true;
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
      const found = await whileListening(LOOK_UP_LIMIT, signal, (limit) => places(limit.signal)).catch(() => []);
      signal.throwIfAborted();
      const { reached, why, ...more } =
        found.length === 0 ? silent(astray) : await heardInTime((limit) => hear(found, question, limit), signal);
      return {
        witness: name,
        kind,
        answered: why === null,
        reached: reached || why === null,
        places: found,
        why,
        ...more,
      };
    },
  };
}

/** A silence that was noticed late is no silence, so the witness is asked again until the limit. */
async function heardInTime(hear: (signal: AbortSignal) => Promise<Hearing>, signal: AbortSignal): Promise<Hearing> {
  return whileListening(ANSWER_LIMIT, signal, async (limit) => {
    for (;;) {
      const before = limit.lost();
      const heard = await hear(limit.signal).catch((error) => silent(errorMessage(error)));
      if (heard.reached || heard.why === null) return heard;
      if (signal.aborted) return silent('no answer in time');
      if (limit.signal.aborted) return silent(`no answer within ${ANSWER_LIMIT / 1000} s`);
      if (limit.lost() - before < LATE) return heard;
    }
  });
}
