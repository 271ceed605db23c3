/** The CPU time of a process. */

/** USER_HZ, the unit of /proc/PID/stat: 100 on each architecture that we build for. */
const TICKS_A_SECOND = 100;

/** Seconds of CPU since the process started, by the text of its /proc/PID/stat (proc_pid_stat(5), fields 14 and 15). */
export function cpuSeconds(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}
