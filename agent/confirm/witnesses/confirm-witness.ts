/** The contract of a witness of a trial: somebody beyond this host who shows that the host is still reached. */
import type { WitnessAnswer, WitnessKind } from '../judgement.ts';

/** The trial about which a witness is asked. */
export interface TrialQuestion {
  /** The change id. */
  readonly change: string;
  /** When the change began, by monotonicNow(); null before the change. */
  readonly since: number | null;
}

export interface ConfirmWitness {
  /** `gateway 10.0.0.1`, `tcp 10.0.0.5:22`, `collector https://c.example.com (IPv6)`: no other witness has it. */
  readonly name: string;
  readonly kind: WitnessKind;
  /** Asks anew each time: a new look-up, a new connection, a new TLS handshake. Never throws. */
  ask(question: TrialQuestion, signal: AbortSignal): Promise<WitnessAnswer>;
}
