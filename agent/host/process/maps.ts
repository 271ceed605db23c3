/** The files that a process has mapped, such as its libraries (proc_pid_maps(5)). */
import { errorCode } from '../errors.ts';
import { procText } from './proc.ts';

/** The text of the file; '' if the process has ended. `hidden`: only root can see it. */
export function mapsOf(pid: number): string | 'hidden' {
  try {
    return procText(pid, 'maps');
  } catch (error) {
    return errorCode(error) === 'EACCES' || errorCode(error) === 'EPERM' ? 'hidden' : '';
  }
}
