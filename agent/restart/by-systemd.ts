/**
 * Restarts for a daemon in the sandbox of its service. The daemon cannot rehearse there, and a dhclient that it starts
 * would also be confined. systemd therefore starts `agent apply` outside the sandbox, and that process does the
 * restart.
 */
import type { Host } from '../host/host.ts';
import type { RestartResult } from './restart.ts';

/** The part of the output of `apply --json` that we use. */
interface Outcome {
  readonly resource: string;
  readonly key: string;
  readonly result: 'ok' | 'changed' | 'failed' | 'skipped';
  readonly reason?: string;
}

/** CAP_SYS_ADMIN of capabilities(7), which making namespaces needs. */
const SYS_ADMIN = 1n << 21n;
/** The started dhclient must outlive the transient unit. */
const TRANSIENT = ['--quiet', '--wait', '--pipe', '--collect', '--no-ask-password', '--property=KillMode=process'];
/** Milliseconds for several dhclients, one after the other. */
const TIME_LIMIT = 300_000;

/** Whether this process is in such a sandbox, and systemd can help. */
export function isConfined(host: Host): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(host.readText('/proc/self/status') ?? '')?.[1];
  return (
    effective !== undefined &&
    (BigInt(`0x${effective}`) & SYS_ADMIN) === 0n &&
    host.stat('/run/systemd/system') !== null
  );
}

/** `agent`: the command line of `agent apply --json` for this client; null if nothing is to be done now. */
export async function restartBySystemd(
  host: Host,
  client: string,
  agent: readonly string[] | null,
): Promise<RestartResult[]> {
  if (agent === null) return [];
  const { status, stdout, stderr, error } = await host.runBeside('systemd-run', [...TRANSIENT, '--', ...agent], {
    timeLimit: TIME_LIMIT,
  });
  const outcomes = outcomesOf(stdout);
  if (outcomes !== null) return outcomes.flatMap(resultOf);
  const why = error ?? (stderr.trim().split('\n').at(-1) || `exit status ${status}`);
  const body = `not started again, as the daemon's sandbox cannot and systemd does not: ${why}; run: agent apply`;
  return [{ kind: 'postponed', client, body }];
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
