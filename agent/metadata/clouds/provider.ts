/** The contract of a cloud's metadata service. */
import type { IpAddress, Prefix } from '../../address/accepted.ts';
import type { MetadataName } from '../../config/desired-metadata.ts';
import type { MetadataClient } from './http.ts';

export interface Provider {
  /** For people: `EC2's metadata`. */
  readonly title: string;
  /** The answers, in the order of the questions. Throws an Error with a sentence if the whole service is unusable. */
  fetch(client: MetadataClient, questions: readonly MetadataQuestion[]): Promise<MetadataAnswer[]>;
}

export interface MetadataQuestion {
  readonly name: MetadataName;
  /** Hardware address of the interface; null for the instance's first interface. */
  readonly mac: string | null;
}

export type MetadataValue = IpAddress | Prefix;

/** Checked values of an interface, or a sentence that says why there are none. */
export type MetadataAnswer =
  | { readonly mac: string; readonly values: readonly MetadataValue[] }
  | { readonly problem: string };
