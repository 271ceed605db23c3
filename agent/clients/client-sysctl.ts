/**
 * A kernel setting that a program writes on its own account, and the line of the program's files that decides the
 * value.
 */
export interface ProgramSysctl {
  /** Below /proc/sys. */
  readonly path: string;
  readonly value: string;
  readonly file: string;
  readonly line: number;
  readonly program: string;
  /** The program sets the value only at times, which its files do not show. */
  readonly maybe?: true;
  /** The program replaces only this value. */
  readonly over?: string;
}
