/** `agent probe route-agreement --list`: names routes that a routing daemon has and the kernel has not, or the other way round. */
import { claimAttributes, DAEMON_LABELS, placeWords } from '../../probes/route-agreement/claims.ts';
import { type ListedDifference, listDifferences, type SomeRoutes } from '../../probes/route-agreement/listing.ts';
import { ControlSocketError } from '../host/routing-daemons/control-socket.ts';
import type { CommonOptions } from './common-options.ts';
import { openHost } from './context/context.ts';
import { EXIT, print, printError, printJson } from './output/output.ts';

/** Milliseconds. A daemon may need a minute for a million routes. */
const TIME_LIMIT = 300_000;

const NOBODY = 'No FRR or BIRD runs here (no control socket).';

/** Changes nothing. Returns the exit status: 4 if a daemon gave no usable answer. */
export async function listRouteDifferences(options: CommonOptions): Promise<number> {
  try {
    const limit = AbortSignal.timeout(TIME_LIMIT);
    const { differences, answered, faults } = await listDifferences(openHost(options), limit);
    if (options.json) printJson({ differences: differences.map(toJson), faults });
    else {
      for (const difference of differences) tell(difference);
      if (differences.length === 0 && faults.length === 0 && !options.quiet)
        print(answered === 0 ? NOBODY : 'The routing daemons and the kernel have the same numbers of routes.');
      for (const fault of faults) printError(fault);
    }
    return faults.length === 0 ? EXIT.ok : EXIT.failed;
  } catch (error) {
    if (!(error instanceof ControlSocketError)) throw error;
    printError(error.message);
    return EXIT.failed;
  }
}

function tell({ claim, kernel, onlyDaemon, onlyKernel }: ListedDifference): void {
  const name = DAEMON_LABELS[claim.daemon];
  print(`${name} says that the kernel took ${claim.installed} ${placeWords(claim)}, but the kernel has ${kernel}:`);
  tellSide(`only ${name}`, onlyDaemon);
  tellSide('only the kernel', onlyKernel);
}

function tellSide(who: string, { count, prefixes }: SomeRoutes): void {
  if (count === 0) return;
  print(`  ${who} has ${count}${count > prefixes.length ? `, the first ${prefixes.length} of them` : ''}:`);
  for (const prefix of prefixes) print(`    ${prefix}`);
}

function toJson({ claim, kernel, onlyDaemon, onlyKernel }: ListedDifference) {
  return { ...claimAttributes(claim), routes: claim.installed, kernel, onlyDaemon, onlyKernel };
}
