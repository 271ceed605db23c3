/** The contract of whoever knows what the configuration leaves to the cloud: routes name it, and never fetch. */
import type { MetadataWish } from '../config/metadata.ts';

export interface MetadataSource {
  /** What is known by now. Asks nobody, and gives the same until something else was fetched. Throws HostError. */
  resolve(wish: MetadataWish): Resolved;
}

export interface Resolved {
  /**
   * Networks or addresses, checked and in their usual notation. null: not known yet, which is not "none". Empty: the
   * provider said that there is none.
   */
  readonly values: readonly string[] | null;
  /** Milliseconds since the epoch: when the provider last said so; null: never. */
  readonly asOf: number | null;
  /** Whose word it is, for people: `EC2's metadata`. */
  readonly source: string;
  /** Why it is not known, or why it could not be asked since; null: nothing is wrong. */
  readonly problem: string | null;
}
