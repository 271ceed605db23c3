/** A program whose configuration files may name an address. */
import type { Syntax } from './scan.ts';

export interface ConfiguredProgram {
  /** For people. Also the name of the source. */
  readonly name: string;
  /** Paths, each with any number of `*`; no other file is read. */
  readonly files: readonly string[];
  readonly syntax: Syntax;
  /**
   * Names of its processes (comm, 15 characters at most). A running one uses the addresses already now. Left out if the
   * addresses take effect through another source: a DHCP client's file through its next lease.
   */
  readonly daemons?: readonly string[];
  /** Options of its command line that name a configuration in place of the usual one. */
  readonly configOptions?: readonly string[];
  /** How the running program is made to read its configuration again. */
  readonly restart?: string;
}
