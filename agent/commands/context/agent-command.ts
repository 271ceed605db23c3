/** How this program starts itself, from its sources or as the executable. */
import { BUILD } from './version.ts';

/** The command line of this program. */
export function agentCommand(): string[] {
  return BUILD === null ? [process.execPath, process.argv[1]!] : [process.execPath];
}
