import { writeConfirmed } from '../confirm/trial/confirmed-configuration.ts';
import { keepChange } from '../confirm/trial/end-trial.ts';
import { forgetProvisional, readProvisional } from '../confirm/trial/provisional.ts';
import { readUndo } from '../confirm/trial/provisional-undo.ts';
import { isAbandoned, readTrial, visibleTrial } from '../confirm/trial/trial-record.ts';
import { RUN_FOLDER } from '../host/paths.ts';
import type { CommonOptions } from './common-options.ts';
import { openHost } from './context/context.ts';
import { EXIT, print, printError, printJson, reportUsage } from './output/output.ts';

export interface ConfirmOptions extends CommonOptions {
  /** The change id; undefined: whichever change is on trial. */
  readonly id?: string;
}

/** Keeps the change that is on trial, whatever the witnesses say. Returns the exit status. */
export async function confirmChange({ id, ...options }: ConfirmOptions): Promise<number> {
  const host = openHost(options);
  if (visibleTrial(host) === null) {
    const provisional = readProvisional(host);
    if (provisional !== null && (id ?? provisional.id) === provisional.id) {
      await host.exclusively(RUN_FOLDER, async () => {
        const configuration = provisional.reason === null ? null : (readUndo(host)?.configuration ?? null);
        if (configuration !== null) writeConfirmed(host, configuration);
        forgetProvisional(host);
      });
      if (options.json) printJson({ confirmed: provisional.id });
      else if (!options.quiet) print(`Change ${provisional.id} is confirmed.`);
      return EXIT.ok;
    }
    if (options.json) printJson({ confirmed: null });
    else if (!options.quiet) print('No change is on trial.');
    return id === undefined ? EXIT.ok : EXIT.failed;
  }
  return host.exclusively(RUN_FOLDER, async () => {
    const trial = readTrial(host);
    if (trial === null || (id !== undefined && trial.id !== id))
      return reportUsage(`agent confirm: ${otherTrial(trial?.id)}`, options);
    if (isAbandoned(host, trial)) {
      printError(`agent confirm: the time of change ${trial.id} is over; to put it back, run: agent revert --trial`);
      return EXIT.failed;
    }
    keepChange(host, trial, { reason: null, unseen: [] });
    if (options.json) printJson({ confirmed: trial.id });
    else if (!options.quiet) print(`Change ${trial.id} is confirmed and stays.`);
    return EXIT.ok;
  });
}

/** For an operator who names another trial than the one that runs. */
export function otherTrial(running: string | undefined): string {
  return running === undefined ? 'no change is on trial any more' : `the change on trial is ${running}`;
}
