/**
 * The contract of undoing: each resource says what it has changed on the host and not put back, and how that goes back. `revert`,
 * and a change of DNS that does not stand, are loops over it.
 */
import type { Host } from '../host/host.ts';
import type { Original, OriginalFile, OriginalLink, OriginalValue } from './originals/originals.ts';
import type { Moment, Outcome } from './resource.ts';

/** What goes back first, from the top down. The hooks come early, so that no lease event works on half of it. */
export const TURNS = [
  'routes',
  'hooks',
  'values that set others',
  'files, values and links',
  'service files',
  'table',
  'default route',
] as const;
export type Turn = (typeof TURNS)[number];

/** When programs are told of files that are as they were: such a program may write other files at once. */
export const TOLD_AFTER: Turn = 'table';

/** Something that a resource has changed and not put back yet. */
export interface Leftover {
  /** As its outcome has it, where there is only one. */
  readonly key: string;
  readonly moment: Moment;
  readonly turn: Turn;
  /** How it was; null: the kernel alone has it, or a record of its own. */
  readonly original: Original | null;
  /** Puts it back, and reads it back. May throw: that is a failure of this leftover alone. */
  putBack(): Promise<Outcome[]>;
}

export interface Undoing {
  /** What is left of a file. Left out: as fileLeftover has it. */
  readonly file?: (host: Host, original: OriginalFile) => Leftover;
  /** The same of a sysctl, whose present value is looked at at once: to put another one back may change it. */
  readonly sysctl?: (host: Host, original: OriginalValue) => Leftover;
  readonly link?: (host: Host, original: OriginalLink) => Leftover;
  /** What is left that no original tells of. Must cost next to nothing where there is nothing. */
  readonly others?: (host: Host) => readonly Leftover[];
  /** These files are as they were before: a program that has read one of them may have to be told. */
  readonly told?: (host: Host, files: readonly string[]) => void;
  /** After a change that was not proved: gives the link the values of this record again, or none. */
  readonly putBackLink?: (host: Host, name: string, record: string | null) => void;
}
