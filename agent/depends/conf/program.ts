/** A program whose configuration files may name an address. */
import type { IncludeStatement } from './includes.ts';
import type { Syntax } from './scan.ts';

export interface ConfiguredProgram {
  /** For people. Also the name of the source. */
  readonly name: string;
  /** Paths and patterns (file-glob.ts). */
  readonly files: readonly string[];
  readonly syntax: Syntax;
  /** Statements that name further files, which are read as well. */
  readonly includes?: readonly IncludeStatement[];
  /**
   * Names of its processes (comm, 15 characters at most). A running one uses the addresses already now. Left out if the
   * addresses take effect through another source: a DHCP client's file through its next lease.
   */
  readonly daemons?: readonly string[];
  /** Options of its command line that name a configuration in place of the usual one. */
  readonly configOptions?: readonly string[];
  /** The files that it reads in a folder that such an option names. */
  readonly configFolder?: string;
  /** What ends the dependence, if the file must not be edited. */
  readonly cure?: string;
  /** How the running program is made to read its configuration again. */
  readonly restart?: string;
}
