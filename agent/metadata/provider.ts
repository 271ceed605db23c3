/** The contract of a cloud's metadata service. */
import type { MetadataName } from '../config/metadata.ts';
import type { MetadataClient } from './http.ts';

export interface Provider {
  /** For people: `EC2's metadata`. */
  readonly title: string;
  /** Answers in the order of the questions. Throws an Error with a sentence where the service as a whole is of no use. */
  fetch(client: MetadataClient, questions: readonly Question[]): Promise<Answer[]>;
}

export interface Question {
  readonly name: MetadataName;
  /** Hardware address of the interface that is meant; null: the instance's first. */
  readonly mac: string | null;
}

/** Sound values of an interface, or a sentence that says why there are none. */
export type Answer = { readonly mac: string; readonly values: readonly string[] } | { readonly problem: string };
