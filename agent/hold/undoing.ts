/**
 * The contract of undoing: each resource lists its changes that are not put back yet, and how to put each back.
 * `revert` is a loop over these lists, and so is the undoing of a DNS change that failed its proof.
 */
import type { Host } from '../host/host.ts';
import type { Original, OriginalFile, OriginalLink, OriginalValue } from './originals/originals.ts';
import type { Moment, Outcome } from './resource.ts';

/**
 * The order of putting back, from the top down. Rules go before the routes of their tables. The hooks come early, so that no lease event meets a half-restored
 * host.
 */
export const TURNS = [
  'rules',
  'routes',
  'hooks',
  'values that set others',
  'files, values and links',
  'service files',
  'table',
  'default route',
] as const;
export type Turn = (typeof TURNS)[number];

/** The turn in which programs are informed of restored files: such a program may write other files at once. */
export const TOLD_AFTER: Turn = 'table';

/** A change of a resource that is not put back yet. */
export interface Leftover {
  /** The key in its outcome, if there is only one outcome. */
  readonly key: string;
  readonly moment: Moment;
  readonly turn: Turn;
  /** The earlier state; null if only the kernel, or a record of its own, has it. */
  readonly original: Original | null;
  /** Puts the change back, and reads the result. May throw: in that case only this leftover fails. */
  putBack(): Promise<Outcome[]>;
}

export interface Undoing {
  /** The leftover of a file. Without it, fileLeftover is used. */
  readonly file?: (host: Host, original: OriginalFile) => Leftover;
  /** The same for a sysctl. Its present value is read at once, because putting back another sysctl may change it. */
  readonly sysctl?: (host: Host, original: OriginalValue) => Leftover;
  readonly link?: (host: Host, original: OriginalLink) => Leftover;
  /** Leftovers without an original. This must cost next to nothing if there are none. */
  readonly others?: (host: Host) => readonly Leftover[];
  /** Called with restored files: a program that has read one of them may have to be informed. */
  readonly told?: (host: Host, files: readonly string[]) => void | Promise<void>;
  /** After a change that failed its proof: gives the link the values of this record again, or none. */
  readonly putBackLink?: (host: Host, name: string, record: string | null) => void;
  /**
   * Makes all as in this snapshot of the resource. If `kernel` is false, the machine was booted since, so the running kernel has
   * forgotten its part. Returns why something is not as before, or null.
   */
  readonly putBackSnapshot?: (host: Host, snapshot: unknown, kernel: boolean) => Promise<string | null>;
}
