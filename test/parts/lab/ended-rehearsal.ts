/** A rehearsal that a signal ends while a hook sleeps on its stage. */
import { once } from 'node:events';
import type { LabHost } from './host.ts';
import { Log } from './log.ts';

/** What the hook does. */
export const SLEEPS = 'sleep 4321';
export const ENDS = ['SIGINT', 'SIGTERM', 'SIGKILL'] as const;

/** Starts a rehearsal of a restart, ends it by the signal, and waits until nothing of the stage is left. */
export async function endRehearsal(host: LabHost, signal: (typeof ENDS)[number]): Promise<void> {
  const child = host.spawn(['sh', '-c', 'echo $$; exec agent rehearse lease --reason REBOOT']);
  const pid = await new Log(child.stdout!).until(/^\d+$/);
  const ended = once(child, 'exit');
  const sleeping = `pgrep -fx "${SLEEPS}" >/dev/null`;
  await host.sh(`until ${sleeping}; do sleep 0.05; done; kill -${signal.slice('SIG'.length)} ${pid}`);
  await ended;
  await host.sh(`while ${sleeping} || pgrep -f "[r]ehearse serve" >/dev/null; do sleep 0.05; done`);
}
