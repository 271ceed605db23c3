import { holderName, type LeaseHolder } from '../clients/holder.ts';
import { leaseHolders } from '../clients/holders.ts';
import type { ConfiguredState } from '../config/desired.ts';
import { type DaemonStanding, daemonStanding } from '../daemon/standing.ts';
import { type DhcpClient, dhcpClients, staleSince } from '../dhclient/clients.ts';
import { currentLease, resolvConfWithoutHook } from '../dhclient/leases.ts';
import { pendingOf } from '../dhclient/pending.ts';
import type { Host } from '../host/host.ts';
import { differs, inspectAll } from '../resources/converge.ts';
import { MOMENTS, type SettingView, settingViews } from '../resources/moments.ts';
import type { Finding, SettingState } from '../resources/resource.ts';
import { openToHold } from './context.ts';
import type { CommonOptions } from './options.ts';
import { EXIT, paint, print, printError, printJson, shown, table } from './output.ts';

/**
 * Shows each setting at its three moments, and every running DHCP client. Looks only. Gives the exit status: 2 where a setting is
 * not as wanted at one of them.
 */
export async function status(options: CommonOptions): Promise<number> {
  const context = await openToHold(options, { optional: true });
  const { host, configured, hash, desired, resources, guard, nearness, metadata } = context;
  const findings = await inspectAll(resources);
  const settings = await settingViews(findings);
  const clients = dhcpClients(host).map((client) => viewClient(host, client, desired));
  const others = leaseHolders(host).filter(({ program }) => program !== 'dhclient');
  const nearest = nearness?.views() ?? [];
  const fromCloud = metadata?.views() ?? [];
  const stale = configured && host.live ? (await import('./on-disk.ts')).notInForce(host, hash) : null;
  const daemon = host.live ? daemonStanding(host) : null;
  const wrong = complaints(settings, findings);
  const unconfigured = configured ? null : (await import('./unconfigured.ts')).surroundings(host);
  if (options.json) {
    const otherClients = others.map((holder) => ({ ...holder, started: time(holder.started) }));
    printJson({
      configured,
      inForce: stale === null,
      daemon,
      settings,
      nearest,
      metadata: fromCloud,
      clients,
      otherClients,
      findings: findings.map(withoutTexts),
      ...(unconfigured === null ? {} : { resolvConf: unconfigured }),
    });
  } else if (options.quiet) {
    for (const line of wrong) printError(line);
  } else {
    if (unconfigured === null) tell(settings, findings, host);
    else (await import('./unconfigured.ts')).tellSurroundings(unconfigured, findings.filter(differs), host.live);
    if (stale !== null) print(`\n${paint('yellow', stale)}`);
    const announcement = guard?.announce(findings) ?? null;
    if (announcement !== null) print(`\n${shown(announcement)}`);
    if (nearest.length > 0) (await import('./nearest.ts')).tellNearest(nearest);
    if (fromCloud.length > 0) (await import('./metadata.ts')).tellMetadata(fromCloud);
    for (const client of clients) tellClient(client, unconfigured?.lines ?? null);
    for (const holder of others) tellHolder(holder);
    if (configured && host.live) tellDaemon(daemon);
  }
  return wrong.length > 0 ? EXIT.changed : EXIT.ok;
}

/** One line for each setting that is not as wanted, and for each artifact of no setting that `apply` would change. */
function complaints(settings: readonly SettingView[], findings: readonly Finding[]): string[] {
  const drifted = settings.flatMap(({ setting, wanted, moments }) => {
    const at = MOMENTS.filter((moment) => moments[moment]?.state === 'drifted');
    return at.length === 0 ? [] : [`${setting} is not as wanted (${at.join(', ')}): ${wanted}`];
  });
  // One that is refused and that no setting shows, such as a dhclient.conf that nothing is wanted of, is no setting's drift.
  const different = findings
    .filter((finding) => differs(finding) && finding.refusal === undefined)
    .map(({ key }) => `${key}: \`agent apply\` would change it`);
  return (drifted.length > 0 ? drifted : different).map(shown);
}

interface ClientView {
  readonly pid: number;
  readonly family: 4 | 6;
  /** ISO 8601. */
  readonly started: string;
  readonly configuration: string;
  readonly owner: string | null;
  /** When its configuration changed after it started; null: it runs with what the file says. */
  readonly staleSince: string | null;
  /** Of that, what no hook can give it before it is started again (`request`, `send host-name`). */
  readonly pending: readonly string[];
  readonly leases: LeaseView[];
}

interface LeaseView {
  readonly interface: string;
  readonly address: string | null;
  readonly renews: string | null;
  readonly expires: string | null;
  /** The lines that dhclient-script alone would write to resolv.conf at the next renewal. */
  readonly withoutHook: string[];
}

function viewClient(host: Host, client: DhcpClient, { dhclient }: ConfiguredState): ClientView {
  const since = staleSince(host, client);
  const leases = client.interfaces.map((name) => ({ name, lease: currentLease(host, client, name) }));
  return {
    pid: client.pid,
    family: client.family,
    started: time(client.started),
    configuration: client.confFile,
    owner: client.owner,
    staleSince: since === null ? null : time(since),
    pending: pendingOf(host, client, dhclient)?.what ?? [],
    leases: leases.map(({ name, lease }) => ({
      interface: name,
      address: lease?.address ?? null,
      renews: lease?.renew ? time(lease.renew) : null,
      expires: lease?.expire ? time(lease.expire) : null,
      withoutHook: lease === null ? [] : resolvConfWithoutHook(lease),
    })),
  };
}

function tell(settings: readonly SettingView[], findings: readonly Finding[], host: Host): void {
  if (settings.length === 0) print('Nothing is configured.');
  else {
    const head = ['setting', 'now', 'lease', 'boot', 'wanted'].map((title) => paint('bold', title));
    print(
      table([
        head,
        ...settings.map((view) => [view.setting, ...MOMENTS.map((moment) => cell(view.moments[moment])), view.wanted]),
      ]),
    );
  }
  const reasons = explain(settings);
  const refusals = findings.flatMap(({ key, refusal }) => (refusal === undefined ? [] : [`${key}: ${refusal}`]));
  const notes = [...new Set([...refusals, ...reasons])];
  if (notes.length > 0) print(`\n${notes.map((note) => `  ${shown(note)}`).join('\n')}`);
  // Also where no setting shows it: an exit hook, a line of a setting that is no longer configured.
  if (findings.some(differs)) print('\n`agent plan` shows what `agent apply` would change.');
  if (!host.live) print(paint('gray', '\nThe running kernel and its processes were not looked at (--live does).'));
}

const CELLS = {
  ok: ['green', '✓'],
  drifted: ['red', 'drifted'],
  unknown: ['yellow', 'unknown'],
  skipped: ['gray', 'skipped'],
} as const;

function cell(state: SettingState | undefined): string {
  if (state === undefined) return paint('gray', '–');
  const [colour, text] = CELLS[state.state];
  return paint(colour, text);
}

/** What is not as wanted, and why; what is said of several moments, or of several settings, is said once. */
function explain(settings: readonly SettingView[]): string[] {
  const found = settings.flatMap(({ setting, moments }) => {
    const texts = MOMENTS.map((moment) => [moment, explanation(moments[moment])] as const);
    const byText = Map.groupBy(
      texts.filter(([, text]) => text !== null),
      ([, text]) => text,
    );
    return [...byText].map(([text, at]) => ({
      setting,
      note: `(${at.map(([moment]) => moment).join(', ')}): ${text}`,
    }));
  });
  const byNote = Map.groupBy(found, ({ note }) => note);
  return [...byNote].map(([note, members]) => `${members.map(({ setting }) => setting).join(', ')} ${note}`);
}

function explanation(found: SettingState | undefined): string | null {
  if (found === undefined || found.state === 'ok' || found.state === 'skipped') return null;
  if (found.reason !== undefined) return found.reason;
  return found.state === 'unknown' ? 'is unknown' : `is ${found.actual === null ? 'not set' : found.actual || 'empty'}`;
}

/** `lines`: those of resolv.conf, where nothing is configured; else null. */
function tellClient(
  { pid, started, configuration, owner, staleSince, pending, leases }: ClientView,
  lines: readonly string[] | null,
): void {
  print('');
  print(
    paint('bold', `dhclient[${pid}]`) +
      ` since ${started}, with ${configuration}${owner === null ? '' : ` (run by ${owner})`}`,
  );
  if (staleSince !== null) {
    print(
      paint('yellow', '  stale: ') +
        `its configuration changed at ${staleSince}; it will not read it before it is started again`,
    );
  }
  if (pending.length > 0) print(`  ${paint('yellow', 'pending until its next start')}: ${shown(pending.join(', '))}`);
  for (const lease of leases) {
    print(
      `  ${lease.interface}: ${lease.address ?? 'no lease known'}${lease.renews === null ? '' : `, renews ${lease.renews}`}`,
    );
    if (lease.withoutHook.length > 0 && lines !== null) {
      const same = lease.withoutHook.every((line) => lines.includes(line));
      print(`  its next event writes to resolv.conf: ${lease.withoutHook.join('; ')}${same ? ' (as it is now)' : ''}`);
    } else if (lease.withoutHook.length > 0)
      print(`  without the hook it would then have written: ${lease.withoutHook.join('; ')}`);
  }
}

function tellHolder(holder: LeaseHolder): void {
  print(`\n${paint('bold', holderName(holder))} since ${time(holder.started)}`);
}

function tellDaemon(daemon: DaemonStanding | null): void {
  if (daemon === null) {
    print(
      '\nNo daemon runs here (`agent run`): what drifts is put right by the next lease, `agent apply` or boot only.',
    );
    return;
  }
  const { pid, enforce, fought } = daemon;
  print(
    `\n${paint('bold', `agent run[${pid}]`)} ${enforce ? 'puts right what drifts' : 'observes only (report.enforce)'}`,
  );
  if (fought.length > 0)
    print(
      `  ${paint('yellow', 'suspended')}: another program changes ${shown(fought.join(', '))} again and again, so it is put right now and then only`,
    );
}

/** The whole text of files is `plan`'s matter. */
function withoutTexts({ wanted: _wanted, actual: _actual, settings: _settings, ...finding }: Finding) {
  return finding;
}

function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');
}
