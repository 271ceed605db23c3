/** A rehearsal that a signal ends while something runs on its stage. */
import { once } from 'node:events';
import type { LabHost } from './host.ts';
import { Log } from './log.ts';

/** What the hook does. */
export const SLEEPS = 'sleep 4321';
export const ENDS = ['SIGINT', 'SIGTERM', 'SIGKILL'] as const;

interface EndedRehearsal {
  /** Default: of a restart. */
  readonly what?: string;
  /** A command that succeeds while the stage runs. Default: while the hook sleeps. */
  readonly runs?: string;
}

/** Starts a rehearsal, ends it by the signal, and waits until nothing of the stage is left. */
export async function endRehearsal(
  host: LabHost,
  signal: (typeof ENDS)[number],
  { what = 'lease --reason REBOOT', runs = `pgrep -fx "${SLEEPS}" >/dev/null` }: EndedRehearsal = {},
): Promise<void> {
  const child = host.spawn(['sh', '-c', `echo $$; exec agent rehearse ${what}`]);
  const pid = await new Log(child.stdout!).until(/^\d+$/);
  const ended = once(child, 'exit');
  await host.sh(`until ${runs}; do sleep 0.02; done; kill -${signal.slice('SIG'.length)} ${pid}`);
  await ended;
  await host.sh(`while ${runs} || pgrep -f "[r]ehearse serve" >/dev/null; do sleep 0.05; done`);
}
