/** The contract of the source of cloud values. Routes ask it, and never fetch. */
import type { MetadataWish } from '../config/desired-metadata.ts';
import type { MetadataValue } from './clouds/provider.ts';

export interface MetadataSource {
  /** The known values. Makes no request, and returns the same values until others are fetched. Throws HostError. */
  resolve(wish: MetadataWish): ResolvedWish;
}

export interface ResolvedWish {
  /**
   * Networks or addresses. null if not known yet, which does not mean "none". Empty
   * if the provider said that there are none.
   */
  readonly values: readonly MetadataValue[] | null;
  /** Milliseconds since the epoch: when the provider last gave the values; null if it never did. */
  readonly asOf: number | null;
  /** The provider's name, for people: `EC2's metadata`. */
  readonly source: string;
  /** Why the values are not known, or why the last fetch failed; null if nothing is wrong. */
  readonly problem: string | null;
}
