/**
 * The undo that outlives the agent: a timer of systemd where systemd runs, otherwise a small detached process. It runs
 * `agent revert --trial ID`, which reads no configuration.
 */
import { HostError, nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { STATE_FOLDER, TRIAL } from '../../host/paths.ts';
import { UNDOER } from './trial-record.ts';

/** Seconds after the deadline, so that an agent that lives decides first. */
export const LATER = 5;

const OPTIONS = ['--quiet', '--collect', '--no-ask-password'];

/** Waits, while there is a trial, by the boot clock: it goes on while the machine sleeps, and is never stepped. */
const WAITS = `
folder=$1 end=$2
shift 2
while [ -d "$folder" ] && read -r now rest </proc/uptime && [ "\${now%.*}" -lt "$end" ]; do sleep 1; done
[ -d "$folder" ] && exec "$@"
`;

export interface Undo {
  readonly id: string;
  /** The deadline of the trial, in milliseconds since the boot, and from now. */
  readonly deadline: number;
  readonly within: number;
  /** The command line of this program: the executable only, or the sources. */
  readonly agent: readonly string[];
}

/** Call this before the first change. Throws HostError if nothing can be armed. */
export function arm(host: Host, { id, deadline, within, agent }: Undo): void {
  host.makeFolder(STATE_FOLDER, 0o755);
  host.makeFolder(TRIAL, 0o755);
  const command = [...undoer(host, agent), 'revert', '--trial', id];
  const seconds = Math.ceil(within / 1000) + LATER;
  if (bySystemd(host)) {
    const { status, stderr, error } = host.run('systemd-run', [
      ...OPTIONS,
      ...[`--unit=${unitOf(id)}`, `--description=Holdfast: undo change ${id} unless it is confirmed`],
      ...[`--on-active=${seconds}`, '--timer-property=AccuracySec=100ms', '--property=DefaultDependencies=no'],
      ...['--', ...command],
    ]);
    if (status !== 0) throw new HostError('ESYSTEMD', `systemd-run: ${error ?? stderr.trim()}`);
    return;
  }
  const end = String(Math.ceil(deadline / 1000) + LATER);
  const detached = 'setsid sh -c "$0" holdfast-trial "$@" </dev/null >/dev/null 2>&1 &';
  const { status, stderr, error } = host.run('sh', ['-c', detached, WAITS, TRIAL, end, ...command]);
  if (status !== 0)
    throw new HostError('ESPAWN', `cannot start the process that would undo the change: ${error ?? stderr}`);
}

/** A detached process sees by itself that there is no trial any more. */
export function disarm(host: Host, id: string): void {
  if (bySystemd(host)) host.run('systemctl', ['--quiet', '--no-ask-password', 'stop', `${unitOf(id)}.timer`]);
}

function unitOf(id: string): string {
  return `holdfast-trial-${id}`;
}

function bySystemd(host: Host): boolean {
  return host.lstat('/run/systemd/system') !== null;
}

/**
 * The command of the undo. In the service's sandbox the link is made by systemd, because a link cannot lead from one
 * mount to another there. If there can be no link, or nothing may be executed there, it is the present executable.
 */
function undoer(host: Host, agent: readonly string[]): readonly string[] {
  const [executable, ...more] = agent;
  if (executable === undefined || more.length > 0) return agent;
  nullIfRefused(() => host.remove(UNDOER));
  const link = ['ln', executable, UNDOER];
  const linked = host.run(link[0]!, link.slice(1)).status === 0;
  if (!linked && bySystemd(host)) {
    const sandboxed = ['--wait', '--property=DefaultDependencies=no', '--'];
    host.run('systemd-run', [...OPTIONS, ...sandboxed, ...link]);
  }
  return host.run('test', ['-x', UNDOER]).status === 0 ? [UNDOER] : agent;
}
