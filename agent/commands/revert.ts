import { resolve } from 'node:path';
import type { ConfiguredState } from '../config/desired.ts';
import { DEFAULT_FILE, loadConfig } from '../config/load.ts';
import { lockedStanding } from '../daemon/standing.ts';
import { tableKey, WATCHING_TABLES } from '../depends/ledger/our-tables.ts';
import { nullIfRefused } from '../host/errors.ts';
import { Host } from '../host/host.ts';
import { CONFIRMED, PROVISIONAL, PROVISIONAL_UNDO, PUT_BACK, TRIAL, WAVE } from '../host/paths.ts';
import { revertAll as revertHost } from '../resources/revert-all.ts';
import type { CommonOptions } from './common-options.ts';
import { openHost, refuseOtherNetwork } from './context/context.ts';
import { EXIT, print, printError, printJson } from './output/output.ts';
import { tellOutcomes } from './output/print-outcomes.ts';
import { NOTHING_REMAINS, remainsOf, tellRemains } from './revert-remains.ts';

/** The links of the units that are enabled. During a purge the units are gone already, so the links lead nowhere. */
const BOOT_UNITS = ['sysinit.target.wants/holdfast-apply.service', 'timers.target.wants/holdfast.service'].map(
  (link) => `/etc/systemd/system/${link}`,
);

/** Puts back files and values as they were before the first apply, and removes the hooks. Returns the exit status. */
export async function revert(options: CommonOptions): Promise<number> {
  const host = openHost(options);
  refuseOtherNetwork(host);
  const daemon = lockedStanding(host);
  if (daemon?.enforce) {
    printError(
      `agent revert: the daemon (process ${daemon.pid}) would put everything back at once, so nothing is changed. First end it: systemctl stop holdfast`,
    );
    return EXIT.failed;
  }
  if (host.live && host.lstat(TRIAL) !== null) {
    const barred = (await import('./trial-words.ts')).barredByTrial(host);
    if (barred !== null) {
      printError(`agent revert: nothing is put back, because ${barred}`);
      return EXIT.failed;
    }
  }
  const desired = await configuration(host, options);
  const outcomes = await revertHost(host, { only: options.only, verify: desired?.dns?.verify ?? null });
  const failed = outcomes.some(({ result }) => result === 'failed');
  const changed = outcomes.some(({ result }) => result === 'changed');
  if (!failed && options.only === undefined) forgetTrials(host);
  const remains = changed ? remainsOf(host, desired, options.only) : NOTHING_REMAINS;
  if (options.json) printJson({ changed, failed, outcomes, ...remains });
  else if (outcomes.length === 0 && !options.quiet)
    print('Nothing to put back: no change by `agent apply` is left on this host.');
  else {
    tellOutcomes(outcomes, options.quiet ?? false, 'as before');
    if (!options.quiet) tellRemains(remains);
    if (!options.quiet && options.only === undefined && isAppliedAtBoot(host))
      print(
        `The next boot applies ${DEFAULT_FILE} again. To prevent that, run: systemctl disable holdfast-apply holdfast`,
      );
    if (!options.quiet && daemon !== null && outcomes.some(({ key }) => isWatchingTable(key)))
      print(
        `The daemon (process ${daemon.pid}) holds nothing, but it goes on counting who asks name servers, and makes its tables again. To end that, take retire and ledger out of ${daemon.config ?? DEFAULT_FILE}, or run: systemctl stop holdfast`,
      );
  }
  return failed ? EXIT.failed : EXIT.ok;
}

/** Otherwise a later boot would apply the configuration that was confirmed before, in place of a new one. */
function forgetTrials(host: Host): void {
  for (const memory of [CONFIRMED, PUT_BACK, PROVISIONAL, PROVISIONAL_UNDO, WAVE]) host.remove(memory);
}

function isWatchingTable(key: string): boolean {
  return Object.values(WATCHING_TABLES).some((table) => key === tableKey(table));
}

/** null if the configuration is missing or not valid: revert works without it. */
async function configuration(host: Host, { config }: CommonOptions): Promise<ConfiguredState | null> {
  const files = config === undefined ? { files: host } : { files: new Host(), file: resolve(config) };
  const loaded = await loadConfig({ ...files, asRoot: process.geteuid?.() === 0 });
  return loaded.ok ? loaded.desired : null;
}

/** Whether an enabled service applies the configuration, which still exists. */
function isAppliedAtBoot(host: Host): boolean {
  const enabled = BOOT_UNITS.some((link) => nullIfRefused(() => host.stat(link)) !== null);
  return enabled && nullIfRefused(() => host.stat(DEFAULT_FILE)) !== null;
}
