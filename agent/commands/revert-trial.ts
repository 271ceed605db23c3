/** `agent revert --trial`: puts back the change on trial. The undo that is armed before each trial runs this. */
import { type PutBackReason, putBackChange } from '../confirm/trial/end-trial.ts';
import { isUnderWay, readTrial, removeTrial, secondsLeft, type TrialRecord } from '../confirm/trial/trial-record.ts';
import { errorCode } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { RUN_FOLDER, TRIAL } from '../host/paths.ts';
import { WAY_BACK } from '../resources/leftovers.ts';
import { handBack } from './apply/hand-over.ts';
import type { CommonOptions } from './common-options.ts';
import { otherTrial } from './confirm.ts';
import { openHost, refuseOtherNetwork } from './context/context.ts';
import { EXIT, print, printJson, reportUsage, shown } from './output/output.ts';

/** Seconds to wait for the lock of the process that tries the change. A process that hangs is ended. */
const PATIENCE = 10;
/** Seconds to wait for other processes, which end by themselves. No other undo comes after this one. */
const LAST_PATIENCE = 600;

export interface RevertTrialOptions extends CommonOptions {
  /** The change id; true: whichever change is on trial. */
  readonly trial: string | true;
}

/** Reads no configuration. Returns the exit status. */
export async function revertTrial({ trial: id, ...options }: RevertTrialOptions): Promise<number> {
  const host = openHost(options);
  refuseOtherNetwork(host);
  const work = () => putBackRunning(host, id, options);
  try {
    return await host.exclusively(RUN_FOLDER, work, PATIENCE);
  } catch (error) {
    const trial = errorCode(error) === 'EAGAIN' ? readTrial(host) : null;
    if (trial === null || secondsLeft(trial) > 0) throw error;
    if (isUnderWay(host, trial)) process.kill(trial.pid, 'SIGKILL');
    return host.exclusively(RUN_FOLDER, work, LAST_PATIENCE);
  }
}

async function putBackRunning(host: Host, id: string | true, options: CommonOptions): Promise<number> {
  const trial = host.lstat(TRIAL) === null ? null : readTrial(host);
  if (trial === null) {
    // The process that made the folder was killed before it changed anything.
    if (host.lstat(TRIAL) !== null) removeTrial(host);
    if (options.json) printJson({ putBack: null });
    else if (!options.quiet) print('No change is on trial.');
    return EXIT.ok;
  }
  if (id !== true && id !== trial.id) return reportUsage(`agent revert --trial: ${otherTrial(trial.id)}`, options);
  const { body, whole } = await putBackChange(host, trial, reasonOf(host, trial), async () => WAY_BACK);
  handBack(host);
  if (options.json) printJson({ putBack: trial.id, whole, body });
  else if (!options.quiet || !whole) print(`${shown(body)}.`);
  return whole ? EXIT.ok : EXIT.failed;
}

function reasonOf(host: Host, trial: TrialRecord): PutBackReason {
  if (secondsLeft(trial) > 0) return { why: 'by hand', blames: true };
  // An agent that lives, and did not decide, had no processor time.
  return isUnderWay(host, trial)
    ? { why: 'the agent did not decide in its time', blames: false }
    : { why: 'the agent ended before the change was confirmed', blames: true, interrupted: true };
}
