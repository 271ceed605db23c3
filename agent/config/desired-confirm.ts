/** How a change is confirmed: who must still be reached after it. */
import type { IpAddress } from '../address/accepted.ts';

export interface DesiredConfirm {
  /** `local`: without the collector. */
  readonly by: 'collector' | 'local';
  /** Milliseconds that the witnesses have after the change. */
  readonly within: number;
  /** Further witnesses. */
  readonly also: readonly AlsoWitness[];
  /** The TCP port of this host that the collector must reach from its own side; null for none. */
  readonly inbound: number | null;
  /** null if no change waits for the collector. */
  readonly waves: DesiredWaves | null;
}

export interface DesiredWaves {
  /** The name of the rollout; null: hosts with the same configuration are one rollout. */
  readonly rollout: string | null;
}

export type AlsoWitness =
  /** `host`: an address without brackets, or a name. */
  | { readonly tcp: { readonly host: string; readonly port: number } }
  | { readonly ping: IpAddress | 'gateway' }
  /** The name of a host that the collector must hear after the change. */
  | { readonly host: string };
