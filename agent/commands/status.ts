import { withAbsentInterfaces } from '../clients/absent-interfaces.ts';
import { withUnheldDhcp } from '../clients/unheld-dhcp.ts';
import type { TrialRecord } from '../confirm/trial/trial-record.ts';
import { type DaemonStanding, daemonStanding } from '../daemon/standing.ts';
import { differs, inspectAll } from '../hold/converge.ts';
import { titleOf } from '../hold/finding-kinds.ts';
import type { Finding, SettingState } from '../hold/resource.ts';
import { MOMENTS, type SettingView, settingViews } from '../hold/settings-view.ts';
import type { Host } from '../host/host.ts';
import { PROVISIONAL, TRIAL, WAVE } from '../host/paths.ts';
import { hasService } from '../host/service/units.ts';
import type { CommonOptions } from './common-options.ts';
import { openToHold } from './context/context.ts';
import { ConfigFailure, EXIT, paint, print, printError, printJson, shown, table } from './output/output.ts';
import { refusalNotes } from './output/refusal-notes.ts';
import { tellClients, viewClients } from './status-clients.ts';

/**
 * Prints each setting at its three moments, and every running DHCP client. Changes nothing. Returns the exit status: 2
 * if a setting is not as wanted at one of its moments.
 */
export async function status(options: CommonOptions): Promise<number> {
  const context = await openToHold(options, { optional: true }).catch(async (error: unknown) => {
    if (!(error instanceof ConfigFailure)) throw error;
    throw (await import('./context/on-disk.ts')).withHeld(error, options);
  });
  const { host, configured, hash, desired, resources, guard, putBack, nearness, metadata } = context;
  const findings = await inspectAll(resources);
  const answered = withUnheldDhcp(host, desired.dhcp, await settingViews(findings), options.only);
  const settings = withAbsentInterfaces(host, desired, answered);
  const leases = await viewClients(host, desired, settings);
  const nearest = nearness?.views() ?? [];
  const fromCloud = metadata?.views() ?? [];
  const stale = configured && host.live ? (await import('./context/on-disk.ts')).notInForce(host, options, hash) : null;
  const daemon = host.live ? daemonStanding(host) : null;
  const wrong = [...complaints(settings, findings), ...(putBack === null ? [] : [shown(putBack.body)])];
  const { viewAdvertisements, tellAdvertisements } = await import('./status-advertisements.ts');
  const advertisements = options.quiet ? null : await viewAdvertisements(host, daemon?.heard ?? []);
  const trial =
    host.live && host.lstat(TRIAL) !== null
      ? (await import('../confirm/trial/trial-record.ts')).visibleTrial(host)
      : null;
  const provisional =
    host.live && host.lstat(PROVISIONAL) !== null
      ? (await import('../confirm/trial/provisional.ts')).readProvisional(host)
      : null;
  const waits =
    host.live && host.lstat(WAVE) !== null
      ? (await import('../confirm/trial/wave-record.ts')).waitingWave(host, hash)
      : null;
  const unconfigured = configured ? null : (await import('./unconfigured.ts')).surroundings(host);
  if (options.json) {
    printJson({
      configured,
      inForce: stale === null,
      daemon: daemon === null ? null : { ...daemon, heard: undefined },
      ...(trial === null ? {} : { trial: await trialView(trial) }),
      ...(putBack === null ? {} : { putBack }),
      ...(provisional === null ? {} : { provisional }),
      ...(waits === null ? {} : { waits }),
      settings,
      nearest,
      metadata: fromCloud,
      ...leases,
      advertisements,
      findings: findings.map(withoutTexts),
      ...(unconfigured === null ? {} : { resolvConf: unconfigured }),
    });
  } else if (options.quiet) {
    for (const line of wrong) printError(line);
  } else {
    if (unconfigured === null) tell(settings, findings, host);
    else (await import('./unconfigured.ts')).tellSurroundings(unconfigured, findings.filter(differs), host.live);
    if (stale !== null) print(`\n${paint('yellow', stale)}`);
    if (trial !== null) print(`\n${(await import('./trial-words.ts')).onTrial(trial)}`);
    if (putBack !== null) print(`\n${(await import('./trial-words.ts')).heldMeanwhile(putBack)}`);
    if (provisional !== null) {
      const standing = (await import('./trial-words.ts')).staysForNow(provisional, hash);
      if (standing !== null) print(`\n${standing}`);
    }
    if (waits !== null) print(`\n${(await import('./trial-words.ts')).waitsForWave(waits)}`);
    const announcement = guard?.announce(findings) ?? null;
    if (announcement !== null) print(`\n${shown(announcement)}`);
    if (nearest.length > 0) (await import('./apply/measure-nearest.ts')).tellNearest(nearest);
    if (fromCloud.length > 0) (await import('./apply/fetch-metadata.ts')).tellMetadata(fromCloud);
    const hooked = findings.some(({ resource, actual }) => resource === 'hooks' && actual !== null);
    const lines = hooked || leases.clients.length === 0 ? null : (await import('./unconfigured.ts')).linesOf(host);
    tellClients(leases, lines);
    if (advertisements !== null) tellAdvertisements(advertisements);
    if (configured && host.live) tellDaemon(host, daemon);
  }
  return wrong.length > 0 ? EXIT.changed : EXIT.ok;
}

/**
 * One line for each setting that is not as wanted, and for each artifact without a setting that `apply` would change.
 */
function complaints(settings: readonly SettingView[], findings: readonly Finding[]): string[] {
  const drifted = settings.flatMap(({ setting, wanted, moments }) => {
    const at = MOMENTS.filter((moment) => moments[moment]?.state === 'drifted');
    return at.length === 0 ? [] : [`${setting} is not as wanted (${at.join(', ')}): ${wanted}`];
  });
  // A refused artifact without a setting, such as a dhclient.conf with nothing to change, is no setting's drift.
  const different = findings
    .filter((finding) => differs(finding) && finding.refusal === undefined)
    .map((finding) => `${titleOf(finding)}: \`agent apply\` would change it`);
  return (drifted.length > 0 ? drifted : different).map(shown);
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
  const notes = [...new Set([...refusalNotes(findings), ...reasons])];
  if (notes.length > 0) print(`\n${notes.map((note) => `  ${shown(note)}`).join('\n')}`);
  // Printed also for changes that no setting shows: an exit hook, or a line of a setting that is no longer configured.
  if (findings.some(differs)) print('\n`agent plan` shows what `agent apply` would change.');
  if (!host.live)
    print(paint('gray', '\nThe running kernel and its processes were not looked at (use --live to include them).'));
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

/** Explains each state that is not as wanted. Equal explanations of several moments or settings are printed once. */
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

function tellDaemon(host: Host, daemon: DaemonStanding | null): void {
  if (daemon === null) {
    const start = hasService(host) ? 'systemctl start holdfast' : 'agent run';
    print(`\nNo daemon runs here (\`${start}\`): drift stays until the next lease, the next boot or \`agent apply\`.`);
    return;
  }
  const { pid, enforce, fought } = daemon;
  print(
    `\n${paint('bold', `agent run[${pid}]`)} ${enforce ? 'puts right what drifts' : 'observes only (report.enforce)'}`,
  );
  if (fought.length > 0)
    print(
      `  ${paint('yellow', 'suspended')}: another program changes ${shown(fought.join(', '))} again and again, so the daemon puts it right less often`,
    );
}

async function trialView(trial: TrialRecord) {
  const { secondsLeft } = await import('../confirm/trial/trial-record.ts');
  const { id, resources, before } = trial;
  return { id, resources, secondsLeft: secondsLeft(trial), before };
}

/** Leaves out whole files, which `plan` prints. */
function withoutTexts({ wanted: _wanted, actual: _actual, settings: _settings, ...finding }: Finding) {
  return finding;
}
