/**
 * Changes the running unbound by unbound-control(8), zone by zone: no question is lost. A reload by SIGHUP loses the
 * questions that wait for an answer at that moment, and the cache (test/lab/split-unbound.test.ts).
 */
import { ipAddress } from '../../address/address-checks.ts';
import type { DesiredSplit } from '../../config/desired.ts';
import { HostError } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import type { Process } from '../../host/process/processes.ts';
import { isBuiltIn } from './built-in-zones.ts';
import { splitZones } from './split-view.ts';
import { answersAgain, sendHangUp } from './tell-program.ts';
import { unboundMain } from './unbound-conf.ts';

/** Milliseconds: unbound answers its control socket between two questions. */
const ANSWERS_WITHIN = 3000;

/**
 * The domains that the running unbound asks at servers of their own, without final dots. null if its control socket is
 * off, or this user may not use it.
 */
export function runningForwards(host: Host, process: Process): ReadonlyMap<string, readonly string[]> | null {
  const { status, stdout } = control(host, process, ['list_forwards']);
  if (status !== 0) return null;
  return new Map(
    stdout.split('\n').flatMap((line): [string, string[]][] => {
      const [, domain, rest = ''] = /^(\S+)\. IN forward (.*)$/.exec(line) ?? [];
      if (domain === undefined) return [];
      return [[domain.toLowerCase(), rest.split(' ').filter((word) => ipAddress(word.replace(/%.*/, '')) !== null)]];
    }),
  );
}

/**
 * Makes the running unbound ask as our file says.
 * @param gone domains that an earlier file of ours had, and that the present file has not.
 */
export async function tellUnbound(
  host: Host,
  process: Process,
  split: readonly DesiredSplit[],
  { gone, libcAsks }: { readonly gone: readonly string[]; readonly libcAsks: string },
): Promise<void> {
  const forwards = runningForwards(host, process);
  const isLeft = gone.some((domain) => forwards?.has(domain));
  if (forwards !== null && !isLeft && !stripsPrivateAddresses(host, process)) {
    for (const { domain, servers } of splitZones(split)) tellZone(host, process, `${domain}.`, servers);
    return;
  }
  // The zones that unbound has built in come back only by a reload, and `private-domain` is read only then.
  await reloadUnbound(host, process, [...splitZones(split).map(({ domain }) => domain), ...gone], libcAsks);
}

/** Makes unbound read all its files. Answers for names below these domains leave the cache; null: all answers. */
export async function reloadUnbound(
  host: Host,
  process: Process,
  domains: readonly string[] | null,
  libcAsks: string,
): Promise<void> {
  if (control(host, process, [domains === null ? 'reload' : 'reload_keep_cache']).status === 0) {
    for (const domain of domains ?? []) control(host, process, ['flush_zone', `${domain}.`]);
    return;
  }
  sendHangUp(host, process);
  await answersAgain(libcAsks);
}

/** Answers of the other servers leave the cache, so that nobody waits for their end. */
function tellZone(host: Host, process: Process, zone: string, servers: readonly string[]): void {
  const commands = [
    ['forward_add', '+i', zone, ...servers],
    ...(isBuiltIn(zone.slice(0, -1))
      ? [
          ['local_zone_remove', zone],
          ['local_zone', zone, 'transparent'],
        ]
      : []),
    ['flush_zone', zone],
  ];
  for (const command of commands) {
    const { status, stdout, stderr, error } = control(host, process, command);
    const said = error ?? (stderr.trim() || stdout.trim());
    if (status !== 0) throw new HostError('ESPLIT', `unbound-control ${command.join(' ')}: ${said}`);
  }
}

/** `private-address` is set, and only a reload makes unbound read our `private-domain`. */
function stripsPrivateAddresses(host: Host, process: Process): boolean {
  const { status, stdout } = host.run('unbound-checkconf', ['-o', 'private-address', unboundMain(host, process)]);
  return status !== 0 || stdout.trim() !== '';
}

function control(host: Host, process: Process, command: readonly string[]) {
  const args = ['-c', unboundMain(host, process), '-q', ...command];
  return host.run('unbound-control', command[0] === 'list_forwards' ? args.filter((arg) => arg !== '-q') : args, {
    timeLimit: ANSWERS_WITHIN,
  });
}
