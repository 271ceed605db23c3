/** A kernel setting that a program writes by itself, and the line of its own files that decides it. */
export interface ProgramSysctl {
  /** Below /proc/sys. */
  readonly path: string;
  readonly value: string;
  readonly file: string;
  readonly line: number;
  readonly program: string;
}
