/**
 * The daemon's sandbox confines it more than dhclient: it can rehearse nothing, and what it starts would be confined, too. There
 * `agent apply` does it, as a process of systemd's making.
 */
import type { Host } from '../host/host.ts';
import type { RestartResult } from './restart.ts';

/** Of what `apply --json` prints. */
interface Outcome {
  readonly resource: string;
  readonly key: string;
  readonly result: 'ok' | 'changed' | 'failed' | 'skipped';
  readonly reason?: string;
}

/** CAP_SYS_ADMIN of capabilities(7): who makes namespaces has it. */
const SYS_ADMIN = 1n << 21n;
/** What it started goes on where it is. */
const TRANSIENT = ['--quiet', '--wait', '--pipe', '--collect', '--no-ask-password', '--property=KillMode=process'];
/** Milliseconds: for several dhclients, one after the other. */
const TIME_LIMIT = 300_000;

/** Whether this process is in such a sandbox, on a host whose systemd can help. */
export function isConfined(host: Host): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(host.readText('/proc/self/status') ?? '')?.[1];
  return (
    effective !== undefined &&
    (BigInt(`0x${effective}`) & SYS_ADMIN) === 0n &&
    host.stat('/run/systemd/system') !== null
  );
}

/** `agent`: the command line of `agent apply --json`. */
export async function restartBySystemd(host: Host, agent: readonly string[]): Promise<RestartResult[]> {
  const { status, stdout, stderr, error } = await host.runBeside('systemd-run', [...TRANSIENT, '--', ...agent], {
    timeLimit: TIME_LIMIT,
  });
  const outcomes = outcomesOf(stdout);
  if (outcomes !== null) return outcomes.flatMap(resultOf);
  const why = error ?? (stderr.trim().split('\n').at(-1) || `exit status ${status}`);
  const body = `not started again, as the daemon's sandbox cannot and systemd does not: ${why}; run: agent apply`;
  return [{ kind: 'postponed', client: 'dhclient', body }];
}

function outcomesOf(json: string): Outcome[] | null {
  try {
    const { outcomes } = JSON.parse(json) as { outcomes?: Outcome[] };
    return Array.isArray(outcomes) ? outcomes : null;
  } catch {
    return null;
  }
}

function resultOf({ resource, key, result, reason = '' }: Outcome): RestartResult[] {
  if (resource !== 'restart') return [];
  const kind = ({ changed: 'restarted', failed: 'failed', skipped: 'postponed', ok: 'postponed' } as const)[result];
  return [{ kind, client: key, body: reason }];
}
