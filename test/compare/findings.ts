/** What was measured: a line of JSON for each row, kept in dist, so that a few rows can be measured again without the others. */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from '../parts/repository.ts';
import type { Row } from './measure.ts';
import type { PlugRow } from './plug.ts';
import type { ProofRow } from './proof.ts';

/** The tables, and what a row of each is. */
export interface Tables {
  readonly tools: Row;
  readonly clients: Row;
  readonly proofs: ProofRow;
  readonly plugs: PlugRow;
}

export interface Finding<Table extends keyof Tables = keyof Tables> {
  readonly table: Table;
  readonly title: string;
  /** The row's place in the table. */
  readonly place: number;
  /** Null: it could not be measured. */
  readonly row: Tables[Table] | null;
  /** YYYY-MM-DD. */
  readonly date: string;
  /** The repository's commit. */
  readonly commit: string;
  readonly kernel: string;
  /** One-minute load average of the machine when it was done. */
  readonly load: number;
}

const FILE = join(REPOSITORY, 'dist/comparison.jsonl');

export function keep(finding: Finding): void {
  mkdirSync(join(REPOSITORY, 'dist'), { recursive: true });
  appendFileSync(FILE, `${JSON.stringify(finding)}\n`);
}

/** The last one of each title, in order. */
export function findings<Table extends keyof Tables>(table: Table): Finding<Table>[] {
  if (!existsSync(FILE)) return [];
  const lines = readFileSync(FILE, 'utf8').trim().split('\n');
  const all = lines.map((line) => JSON.parse(line) as Finding<Table>).filter((one) => one.table === table);
  return [...new Map(all.map((one) => [one.title, one])).values()].sort((a, b) => a.place - b.place);
}
