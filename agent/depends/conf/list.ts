/** The programs whose configuration is searched. docs/depends.md has the same list. */
import { FORWARDERS } from './forwarders.ts';
import { NETWORK_PROGRAMS } from './network-programs.ts';
import type { ConfiguredProgram } from './program.ts';

export const CONFIGURED_PROGRAMS: readonly ConfiguredProgram[] = [...NETWORK_PROGRAMS, ...FORWARDERS];
