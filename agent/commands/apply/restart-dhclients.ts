/** The part of `plan` and `apply` for dhclients that must be started again (agent/restart). */
import { clientName, dhcpClients, staleSince } from '../../clients/dhclient/running.ts';
import { noteStarts } from '../../clients/dhclient/start-records.ts';
import { isWhole } from '../../config/desired.ts';
import { isActionable } from '../../hold/converge.ts';
import type { Finding, Outcome } from '../../hold/resource.ts';
import { nullIfRefused } from '../../host/errors.ts';
import { RESTART, RUN_FOLDER } from '../../host/paths.ts';
import type { RestartResult } from '../../restart/restart.ts';
import type { CommonOptions } from '../common-options.ts';
import type { Context } from '../context/context.ts';

/**
 * One sentence for each dhclient with changes that wait for its next start, or will wait after this apply. The sentence
 * says whether `apply` would start the dhclient again.
 */
export async function announceRestarts({ host, desired }: Context, findings: readonly Finding[]): Promise<string[]> {
  const clients = dhcpClients(host);
  if (clients.length === 0) return [];
  const { pendingOf } = await import('../../clients/dhclient/pending-changes.ts');
  const deed =
    desired.restart === 'whenSafe'
      ? 'apply starts it again if the DHCP server answers and nothing would be lost'
      : 'with dhclient.restart: whenSafe, apply would start it again';
  return clients.flatMap((client) => {
    const file = host.target(client.confFile);
    const planned = findings.find((finding) => {
      return finding.resource === 'dhclient' && finding.key === file && isActionable(finding);
    });
    const pending = pendingOf(host, client, desired.dhclient, planned?.wanted);
    return pending === null
      ? []
      : [`Pending until the next start of ${clientName(client)}: ${pending.what.join(', ')} (${deed}).`];
  });
}

/**
 * Starts dhclients with pending changes again, if that is configured and safe. Returns all outcomes, including these.
 */
export async function withRestarts(
  { host, desired, nearness }: Context,
  { only }: CommonOptions,
  outcomes: Outcome[],
): Promise<Outcome[]> {
  if (!host.live || only?.includes('dhclient') === false) return outcomes;
  const isLeft = host.lstat(RESTART) !== null;
  const whole = isWhole(desired) ? desired : (nearness?.desired() ?? null);
  const clients = dhcpClients(host);
  nullIfRefused(() => noteStarts(host, clients));
  const mayBe = desired.restart === 'whenSafe' && clients.some((client) => staleSince(host, client) !== null);
  if (whole === null || (!isLeft && !mayBe)) return outcomes;
  const { finishRestart, pendingRestarts, restartPending } = await import('../../restart/restart.ts');
  if (!isLeft && pendingRestarts(host, whole).length === 0) return outcomes;
  const broken = outcomes.find(({ resource, result }) => {
    return result === 'failed' && (resource === 'dhclient' || resource === 'hooks');
  });
  const work = mayBe && broken === undefined ? () => restartPending(host, whole) : () => finishRestart(host);
  const results = await host.exclusively(RUN_FOLDER, work);
  return [...outcomes, ...results.map(restartOutcome)];
}

export function restartOutcome({ kind, client, body }: RestartResult): Outcome {
  const result = ({ restarted: 'changed', postponed: 'skipped', failed: 'failed' } as const)[kind];
  const actual = kind === 'restarted' ? 'started again' : null;
  return { resource: 'restart', key: client, moment: 'lease', result, actual, reason: body };
}
