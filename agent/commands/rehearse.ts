import { createTwoFilesPatch } from 'diff';
import type { LeaseReason } from '../clients/lease-reasons.ts';
import { type DesiredState, isWhole } from '../config/desired.ts';
import { DEFAULT_FILE } from '../config/load.ts';
import type { ErrorCode } from '../host/error-codes.ts';
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { PROVISIONAL, RUN_FOLDER } from '../host/paths.ts';
import { type BootSysctl, bootSysctls } from '../rehearse/boot-sysctls.ts';
import { bootEventOf, eventsOf, planOf, playClientEvent, type StagedHolder } from '../rehearse/client-rehearsal.ts';
import { type Held, type HeldByDhclient, heldBy, heldInterfaces, pidOf } from '../rehearse/held-interfaces.ts';
import { leaseOf } from '../rehearse/lease.ts';
import { playEvent as play } from '../rehearse/rehearsal.ts';
import type { Rehearsal } from '../rehearse/result.ts';
import { RESOLV_CONF } from '../resolver/resolv-conf.ts';
import type { CommonOptions } from './common-options.ts';
import { agentCommand } from './context/agent-command.ts';
import { openContext, openHost } from './context/context.ts';
import { decoded, EXIT, paint, print, printError, printJson, shown, table } from './output/output.ts';

export interface RehearseCommandOptions extends CommonOptions {
  readonly occasion: 'lease' | 'boot';
  readonly iface?: string;
  readonly reason?: readonly LeaseReason[];
}

/** Prints what a lease event or a boot would change. Returns the exit status: 2 if the result is not as wanted. */
export async function rehearse(options: RehearseCommandOptions): Promise<number> {
  const { host, desired, hash } = await configured(options);
  const held = heldInterfaces(host, options.iface ?? null);
  const shows: Show[] = [];
  for (const one of held) shows.push(await show(host, desired, one, options));
  const [nothing] = shows.flatMap(({ skipped }) => skipped);
  if (nothing !== undefined && shows.every(({ played }) => played.length === 0)) throw new HostError('ENONE', nothing);
  const sysctls = options.occasion === 'boot' ? bootSysctls(host, desired?.sysctl ?? []) : [];
  const differs = shows.some(({ played }) => played.some((one) => one.differs)) || sysctls.some(({ ok }) => !ok);
  const isWhole = options.iface === undefined && options.reason === undefined;
  if (isWhole && options.occasion === 'lease' && !differs && shows.every(({ played }) => played.length > 0))
    await noteClean(host, hash);
  if (options.json) {
    printJson({
      differs,
      interfaces: shows.map(({ held, played, skipped }) => ({
        interface: held.interface,
        client: 'staged' in held ? held.staged.holder.program : 'dhclient',
        pid: pidOf(held),
        rehearsals: played.map(readable),
        skipped,
      })),
      ...(options.occasion === 'boot' ? { sysctls } : {}),
    });
  } else if (options.quiet) {
    for (const { played } of shows)
      for (const one of played) for (const problem of one.problems) printError(`${title(one)}: ${shown(problem)}`);
    for (const one of sysctls.filter(({ ok }) => !ok)) printError(overruled(one));
  } else {
    if (desired === null)
      print(paint('gray', `${DEFAULT_FILE} does not exist, so no content of resolv.conf is wanted.`));
    for (const one of shows) tell(one);
    if (sysctls.length > 0) tellSysctls(sysctls);
  }
  return differs ? EXIT.changed : EXIT.ok;
}

/** A host without a configuration can also be rehearsed; then the hash is null. */
async function configured(
  options: CommonOptions,
): Promise<{ host: Host; desired: DesiredState | null; hash: string | null }> {
  const host = openHost(options);
  if (options.config === undefined && host.stat(DEFAULT_FILE) === null) return { host, desired: null, hash: null };
  const { host: opened, desired, nearness, hash } = await openContext(options);
  return { host: opened, desired: isWhole(desired) ? desired : (nearness?.desired() ?? null), hash };
}

/** A clean rehearsal of every client stands for the next lease event of a change that was confirmed. */
async function noteClean(host: Host, hash: string | null): Promise<void> {
  if (hash === null || !host.live || host.root !== '/' || host.lstat(PROVISIONAL) === null) return;
  const { noteRehearsed } = await import('../confirm/trial/prove-later.ts');
  try {
    await host.exclusively(RUN_FOLDER, async () => noteRehearsed(host, hash));
  } catch (error) {
    // Without the right to note it, the next lease event is still looked at.
    if (!(error instanceof HostError)) throw error;
  }
}

/**
 * An event that cannot be rehearsed does not stop the other events: a lease that has expired or that is not known, a
 * dhclient that another program runs, an event that this client does not have.
 */
const CANNOT_COME: readonly ErrorCode[] = ['EEXPIRED', 'EOWNER', 'ENOLEASE', 'ENONE'];

interface Show {
  readonly held: Held;
  readonly played: readonly Rehearsal[];
  /** Events that cannot occur, and why. */
  readonly skipped: readonly string[];
}

async function show(
  host: Host,
  desired: DesiredState | null,
  held: Held,
  options: RehearseCommandOptions,
): Promise<Show> {
  const scene = { host, dns: desired?.dns ?? null, atBoot: options.occasion === 'boot' };
  const results = 'staged' in held ? await playStaged(scene, held.staged, options) : [];
  if ('client' in held)
    for (const reason of dhclientReasons(host, held, options))
      results.push(await attempt(reason, () => playOne(scene, held, reason)));
  return {
    held,
    played: results.flatMap((one) => ('played' in one ? one.played : [])),
    skipped: results.flatMap((one) => ('skipped' in one ? [one.skipped] : [])),
  };
}

type Attempt = { readonly played: readonly Rehearsal[] } | { readonly skipped: string };

async function attempt(reason: LeaseReason, play: () => Promise<Rehearsal[]>): Promise<Attempt> {
  try {
    return { played: await play() };
  } catch (error) {
    return { skipped: `${reason}: ${whyNot(error)}` };
  }
}

/** Throws every other error. */
function whyNot(error: unknown): string {
  if (!(error instanceof HostError && CANNOT_COME.includes(error.code))) throw error;
  return error.message;
}

interface PlayScene {
  readonly host: Host;
  readonly dns: DesiredState['dns'];
  readonly atBoot: boolean;
}

/** Most of the time a client waits, so its events are played at once. */
async function playStaged(
  { host, ...scene }: PlayScene,
  staged: StagedHolder,
  options: RehearseCommandOptions,
): Promise<Attempt[]> {
  const plan = await planOf(host, staged).catch(whyNot);
  if (typeof plan === 'string') return [{ skipped: plan }];
  const server = [...agentCommand(), 'rehearse', 'serve'];
  const reasons = options.reason ?? (scene.atBoot ? [bootEventOf(plan)] : eventsOf(plan));
  return Promise.all(
    reasons.map((reason) =>
      attempt(reason, async () => [await playClientEvent(host, staged, reason, { ...scene, plan, server })]),
    ),
  );
}

/** Plays an event; twice if the router's answer to dhclient-script's ping matters. */
async function playOne(
  { host, dns, atBoot }: PlayScene,
  { client, interface: iface }: HeldByDhclient,
  reason: LeaseReason,
): Promise<Rehearsal[]> {
  const one = await play(host, client, iface, reason, { dns, atBoot });
  if (!one.routerAnswers) return [one];
  return [one, await play(host, client, iface, reason, { dns, atBoot, routerAnswers: false })];
}

function dhclientReasons(
  host: Host,
  { client, interface: iface }: HeldByDhclient,
  { occasion, reason }: RehearseCommandOptions,
): readonly LeaseReason[] {
  if (reason !== undefined) return reason;
  if (occasion === 'boot') {
    const { expire } = leaseOf(host, client, iface).lease;
    return [expire !== null && expire < Date.now() ? 'BOUND' : 'REBOOT'];
  }
  // If no dhclient runs, its start is the only event that can occur.
  return client.pid === 0 ? ['REBOOT', 'TIMEOUT'] : ['RENEW', 'REBIND', 'REBOOT', 'TIMEOUT', 'EXPIRE'];
}

function title({ interface: iface, reason, routerAnswers }: Rehearsal): string {
  return `${iface} ${reason}${routerAnswers === false ? ' (router silent)' : ''}`;
}

function tell({ held, played, skipped }: Show): void {
  const { interface: iface } = held;
  const absent = `${iface}: no dhclient runs; this is what its next start would do`;
  print(paint('bold', pidOf(held) === null ? absent : heldBy(held)));
  print(
    table(
      played.map((one) => [
        one.differs ? paint('red', '✗') : paint('green', '✓'),
        title(one).slice(iface.length + 1),
        verdict(one),
      ]),
      '  ',
    ),
  );
  for (const one of skipped) print(paint('gray', `  – ${shown(one)}`));
  for (const [text, names] of grouped(played, ({ problems }) => problems))
    print(paint('red', `  ${names}: ${shown(text)}`));
  for (const [text, names] of grouped(played, (one) => [changes(one).join('\n')].filter(Boolean))) {
    print(`  ${names}:`);
    for (const line of text.split('\n')) print(paintLine(shown(line)));
  }
  for (const [text, names] of grouped(played, ({ notes }) => notes))
    print(paint('gray', `  note (${names}): ${shown(text)}`));
}

/** Events at which the client gives its address up. */
const GIVEN_UP: ReadonlySet<LeaseReason> = new Set(['EXPIRE', 'NAK', 'EXPIRE6']);

function verdict(one: Rehearsal): string {
  if (one.differs) return 'not as wanted';
  if (changes(one).length === 0) return 'nothing changes';
  return GIVEN_UP.has(one.reason) || one.routerAnswers === false
    ? 'the address goes, as it must'
    : 'changes, as wanted';
}

/** Groups equal texts, so each is printed once with the names of its events. */
function grouped(played: readonly Rehearsal[], texts: (one: Rehearsal) => readonly string[]): [string, string][] {
  const groups = new Map<string, string[]>();
  for (const one of played)
    for (const text of texts(one))
      groups.set(text, [...(groups.get(text) ?? []), title(one).slice(one.interface.length + 1)]);
  return [...groups].map(([text, names]) => [
    text,
    names.length > 1 && names.length === played.length ? 'every event' : names.join(', '),
  ]);
}

/** Lines of unified diffs; empty if nothing would change. */
function changes({ resolvConf, addresses, routes }: Rehearsal): string[] {
  const lines = (all: readonly string[]) => all.map((line) => `${line}\n`).join('');
  return [
    ...diff(RESOLV_CONF, resolvConf.before ?? '', resolvConf.after ?? ''),
    ...diff('addresses', lines(addresses.before), lines(addresses.after)),
    ...diff('routes', lines(routes.before), lines(routes.after)),
  ];
}

function diff(name: string, before: string, after: string): string[] {
  if (before === after) return [];
  const patch = createTwoFilesPatch(`${name} now`, `${name} then`, before, after, undefined, undefined, { context: 1 });
  return patch
    .trimEnd()
    .split('\n')
    .filter((line) => !/^(=+$|Index: |@@)/.test(line));
}

function paintLine(line: string): string {
  if (line.startsWith('---') || line.startsWith('+++')) return `    ${paint('bold', line)}`;
  if (line.startsWith('+')) return `    ${paint('green', line)}`;
  return `    ${line.startsWith('-') ? paint('red', line) : line}`;
}

function tellSysctls(sysctls: readonly BootSysctl[]): void {
  print(paint('bold', 'sysctls'));
  print(
    table(
      sysctls.map((one) => [
        one.wanted === null ? ' ' : one.ok ? paint('green', '✓') : paint('red', '✗'),
        shown(one.key),
        shown(one.value ?? '(the kernel’s own)'),
        shown(one.file === null ? '' : `${one.file}:${one.line}`),
        one.ok ? '' : `wanted ${shown(one.wanted ?? '')}`,
      ]),
      '  ',
    ),
  );
}

function overruled({ key, value, file, line, wanted }: BootSysctl): string {
  return shown(`${key}: ${value ?? 'not set'}${file === null ? '' : ` by ${file}:${line}`}, wanted ${wanted}`);
}

function readable(one: Rehearsal) {
  const text = (bytes: string | null) => (bytes === null ? null : decoded(bytes));
  const { before, after } = one.resolvConf;
  return { ...one, resolvConf: { before: text(before), after: text(after) }, output: decoded(one.output) };
}
