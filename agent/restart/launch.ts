/**
 * Ends a dhclient and starts it again with its own command line. A shell does this, in a session of its own and in the
 * control groups of the dhclient. Even if the agent dies in the middle, a dhclient runs afterwards.
 */
import { spawn } from 'node:child_process';
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import type { CommandLine } from './command-line.ts';

/** A process, identified so that no later process is mistaken for it. */
export interface KnownProcess {
  readonly pid: number;
  /** Host.birthOf. */
  readonly start: string;
}

/**
 * Returns the process that becomes the new dhclient (which later moves to the background). `old` ends by SIGTERM, at
 * which dhclient keeps its address and runs no script; null if none runs. Throws HostError if no process can be
 * started.
 */
export function launch(host: Host, command: CommandLine, old: KnownProcess | null): KnownProcess {
  const { executable, arguments: words, folder, environment, umask, oomScoreAdjust, openFiles, cgroups } = command;
  const settings = [umask, oomScoreAdjust, String(openFiles ?? 'unlimited')];
  const before = [String(old?.pid ?? 0), old?.start ?? '', ...settings, String(cgroups.length), ...cgroups];
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'restart', ...before, executable, ...words], {
    cwd: folder,
    env: environment,
    stdio: 'ignore',
    detached: true,
  });
  child.on('error', () => {}); // there is no pid in that case
  child.unref();
  const start = child.pid === undefined ? null : host.birthOf(child.pid);
  if (child.pid === undefined) throw new HostError('ESPAWN', 'no process can be started');
  return { pid: child.pid, start: start ?? '' };
}

/**
 * Arguments: the old process' number and start (proc_pid_stat(5), field 22), umask, oom_score_adj, and the soft limit
 * of open files. After them: the number of cgroup.procs, their paths, and the command. The shell enters the control
 * groups first: if it cannot, nothing has ended yet.
 */
const SCRIPT = `old=$1 start=$2
umask "$3"
echo "$4" 2>/dev/null >/proc/self/oom_score_adj || :
ulimit -S -n "$5" 2>/dev/null || :
count=$6
shift 6
while [ "$count" -gt 0 ]; do
    echo "$$" >"$1" || exit 71
    shift
    count=$((count - 1))
done
lives() {
    line=
    read -r line 2>/dev/null <"/proc/$old/stat" || return 1
    set -f
    set -- \${line##*) }
    [ "\${20-}" = "$start" ] && [ "$1" != Z ]
}
if [ "$old" != 0 ] && lives; then
    kill -TERM "$old"
    tries=0
    while lives; do
        tries=$((tries + 1))
        [ "$tries" -ne 600 ] || kill -KILL "$old"
        sleep 0.1
    done
fi
exec "$@" >/dev/null 2>&1 </dev/null
`;
