/** A host of files, asked by the sources of `agent depends`. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Dependence, DependsAnswer, DependsSource } from '../../agent/depends/dependence.ts';
import { type HeldByHoldfast, Surroundings } from '../../agent/depends/surroundings.ts';
import { allPrograms, type Program } from '../../agent/host/process/programs.ts';
import { accepted } from './accepted.ts';
import { type Patient, patientHost } from './doctor-patient.ts';
import { scratch } from './scratch.ts';

const NOTHING_HELD: HeldByHoldfast = { holding: async () => null, originals: [] };

export function around(t: TestContext, patient: Patient, held: Partial<HeldByHoldfast> = {}): Surroundings {
  return new Surroundings(patientHost(t, patient), { ...NOTHING_HELD, ...held });
}

/** `addresses` left out: every name server. */
export function ask(source: DependsSource, ...addresses: string[]): Promise<DependsAnswer> {
  return source.look(addresses.length === 0 ? null : accepted(new Set(addresses)), new AbortController().signal);
}

/** `10.0.0.1 /etc/resolv.conf:2` for each, in order. */
export function places(found: readonly Dependence[]): string[] {
  return found.map(({ address, where }) => `${address} ${where}`);
}

/** A program that sees this text as /etc/resolv.conf. `make`: shell that mounts another thing there. */
export async function seeing(t: TestContext, text: string, make = ''): Promise<Program> {
  const file = join(scratch(t, { 'resolv.conf': text }), 'resolv.conf');
  const mount = make === '' ? `mount --bind ${file} /etc/resolv.conf` : make;
  const child = spawn('unshare', ['--mount', 'sh', '-c', `${mount} && exec sleep 600`], { stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  let program: Program | undefined;
  while (program?.comm !== 'sleep') {
    await pause(10);
    program = allPrograms().find(({ pid }) => pid === child.pid);
  }
  return program;
}
