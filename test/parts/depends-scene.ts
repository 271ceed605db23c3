/** A host of files, asked by the sources of `agent depends`. */
import type { TestContext } from 'node:test';
import type { Dependence, DependsAnswer, DependsSource } from '../../agent/depends/dependence.ts';
import { type HeldByHoldfast, Surroundings } from '../../agent/depends/surroundings.ts';
import { type Patient, patientHost } from './doctor-patient.ts';

const NOTHING_HELD: HeldByHoldfast = { holding: async () => null, originals: [] };

export function around(t: TestContext, patient: Patient, held: Partial<HeldByHoldfast> = {}): Surroundings {
  return new Surroundings(patientHost(t, patient), { ...NOTHING_HELD, ...held });
}

/** `addresses` left out: every name server. */
export function ask(source: DependsSource, ...addresses: string[]): Promise<DependsAnswer> {
  return source.look(addresses.length === 0 ? null : new Set(addresses), new AbortController().signal);
}

/** `10.0.0.1 /etc/resolv.conf:2` for each, in order. */
export function places(found: readonly Dependence[]): string[] {
  return found.map(({ address, where }) => `${address} ${where}`);
}
