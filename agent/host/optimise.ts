/**
 * V8's optimising compilers, which compile anew what was called some hundred times: in a daemon every function, sooner or
 * later. While nothing happens that costs more than it saves: a quarter of the first minutes' time, and 9 MB for good,
 * most of it pages of the compilers themselves (measured with Node 24; bytecode and baseline code stay).
 */
import { setFlagsFromString } from 'node:v8';

/** From now on. Both can be switched at any time, as long as they were on when the process started. */
export function optimise(wanted: boolean): void {
  for (const compiler of ['maglev', 'turbofan']) setFlagsFromString(`--${wanted ? '' : 'no-'}${compiler}`);
}
