/** A host made of a folder, for the checks of `agent doctor`: its kernel's values and its processes are files too. */
import type { TestContext } from 'node:test';
import { compile } from '../../agent/config/compile.ts';
import type { ConfiguredState } from '../../agent/config/desired.ts';
import { secretsOf } from '../../agent/doctor/checks/secrets-check.ts';
import type { DoctorCheck, DoctorObservation } from '../../agent/doctor/doctor-check.ts';
import { Host } from '../../agent/host/host.ts';
import type { Process } from '../../agent/host/process/processes.ts';
import type { Program } from '../../agent/host/process/programs.ts';
import type { RunResult } from '../../agent/host/process/run-program.ts';
import { scratch } from './scratch.ts';

export interface Patient {
  /** Path to text; `proc/sys/…` is the kernel. */
  readonly files?: Record<string, string>;
  /** agent.yaml; without it there is no valid configuration. */
  readonly yaml?: string;
  /** Why tables are of no use. */
  readonly unled?: readonly string[];
  readonly daemons?: Record<string, number>;
  /** Command lines of dhclients, by process id; each started at its id, in milliseconds of 2001. */
  readonly dhclients?: Record<number, string>;
  /** The same of other programs, by their comm. Their titles hold blanks: an array is taken word by word. */
  readonly others?: Record<string, Record<number, string | readonly string[]>>;
  readonly live?: boolean;
  /** All running programs, for who depends on an address; by default none. */
  readonly running?: readonly Program[];
  /** Processes that have a file mapped, by its path. */
  readonly users?: Record<string, readonly string[]>;
  /** What programs answer, by the first word; of all others the real ones are run. */
  readonly programs?: Record<string, Partial<RunResult>>;
}

export const START_2001 = Date.UTC(2001, 0, 1);

export class FolderHost extends Host {
  private readonly patient: Patient;

  constructor(root: string, patient: Patient) {
    super({ root, live: patient.live ?? true });
    this.patient = patient;
  }

  override sysctl(path: string): string | null {
    return this.readText(`/proc/sys/${path}`)?.replace(/\n$/, '') ?? null;
  }

  override sysctlNames(folder: string): string[] | null {
    return this.stat(`/proc/sys/${folder}`) === null ? null : this.list(`/proc/sys/${folder}`);
  }

  override processes(name: string): Process[] {
    if (!this.live) return [];
    const lines: Record<string, string | readonly string[]> =
      (name === 'dhclient' ? this.patient.dhclients : this.patient.others?.[name]) ?? {};
    return Object.entries(lines).map(([pid, line]) => {
      const words = typeof line === 'string' ? line.split(' ') : line;
      return { pid: Number(pid), arguments: words, started: START_2001, sinceBoot: 0 };
    });
  }

  override programs(): Program[] {
    return this.live ? [...(this.patient.running ?? [])] : [];
  }

  override usersOf(path: string): string[] {
    return this.live ? [...(this.patient.users?.[path] ?? [])] : [];
  }

  override run(program: string, args: readonly string[], options?: Parameters<Host['run']>[2]): RunResult {
    const answer = this.patient.programs?.[program];
    if (answer !== undefined) return { status: 0, stdout: '', stderr: '', error: null, ...answer };
    return super.run(program, args, options);
  }
}

/** What a dhclient-script may name in its first line. */
const SHELLS = { 'bin/sh': '', 'bin/bash': '' };

export function patientHost(t: TestContext, patient: Patient): FolderHost {
  return new FolderHost(scratch(t, { ...SHELLS, ...patient.files }), patient);
}

/** What one check sees on that host. */
export function seenBy(t: TestContext, check: DoctorCheck, patient: Patient): DoctorObservation[] {
  return seenOn(patientHost(t, patient), check, patient);
}

export function seenOn(
  host: Host,
  check: DoctorCheck,
  { yaml, daemons = {}, unled = [] }: Patient,
): DoctorObservation[] {
  const { desired, groups, secrets } = yaml === undefined ? NOTHING : meaningOf(yaml);
  return [...check({ host, desired, groups, secrets, unled, daemons: new Map(Object.entries(daemons)) })];
}

/** Codes alone, in order. */
export function codes(seen: readonly DoctorObservation[]): string[] {
  return seen.map(({ code }) => code);
}

const NOTHING = { desired: null, groups: [], secrets: [] };

export function desiredOf(yaml: string): ConfiguredState {
  return meaningOf(yaml).desired;
}

function meaningOf(yaml: string) {
  const result = compile([{ path: '/agent.yaml', bytes: Buffer.from(yaml) }]);
  if (!result.ok) throw new Error(result.errors.map(({ message }) => message).join('\n'));
  const { expect, report } = result.daemon;
  return { desired: result.desired, groups: expect.groups, secrets: secretsOf(report) };
}
