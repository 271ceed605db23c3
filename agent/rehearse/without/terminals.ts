/** Where the operator's terminal comes from. */
import type { IpAddress } from '../../address/accepted.ts';
import { canonicalAddress } from '../../depends/found-addresses.ts';
import { nullIfGone, procText } from '../../host/process/proc.ts';
import { ancestors } from '../../host/process/processes.ts';

/**
 * The addresses of the SSH clients behind this process and its ancestors. sudo(8) and su(1) take
 * SSH_CONNECTION out of the environment, but the shell above them still has it.
 */
export function terminals(): Set<IpAddress> {
  const environments = ['self' as const, ...ancestors()].map((pid) => nullIfGone(() => procText(pid, 'environ')) ?? '');
  const clients = environments.map((text) => /(?:^|\0)SSH_CONNECTION=([^ \0]*)/.exec(text)?.[1] ?? '');
  return new Set(clients.flatMap((client) => canonicalAddress(client) ?? []));
}
