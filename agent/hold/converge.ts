/** The only way from findings to outcomes, for plan, apply and heal. */
import { errorMessage } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { RUN_FOLDER } from '../host/paths.ts';
import type { Finding, Outcome, Resource } from './resource.ts';

/**
 * The most rounds. A change may undo an earlier change (writing ip_forward resets the redirects of every interface), so
 * changed artifacts are inspected again. An artifact that still drifts after the last round will not converge.
 */
const ROUNDS = 3;

/** Checks the changes of some resources: it may refuse them all beforehand, and put them all back afterwards. */
export interface Guard {
  /** Whether an earlier change was neither proved nor put back. If so, there is work even without drift. */
  unfinished(): boolean;
  /** Whether the finding is changed together with others, or not at all. It then waits for no time of its own. */
  joins(finding: Finding): boolean;
  /** Called under the lock. Changes `resources` by `change`, or returns the outcomes of a refusal. */
  around(
    resources: readonly Resource[],
    change: (resources: readonly Resource[]) => Promise<Outcome[]>,
  ): Promise<Outcome[]>;
}

/** Which of these findings may be changed now. Asked under the lock. */
export type ConvergePermits = (findings: readonly Finding[]) => readonly Finding[];

export interface ConvergeOptions {
  readonly patience?: number;
  readonly guard?: Guard | null;
  readonly permits?: ConvergePermits;
  readonly settled?: (outcomes: readonly Outcome[]) => void;
  readonly drifted?: readonly Finding[];
}

/** A resource that cannot inspect becomes one `unknown` finding, and never stops another. */
export async function inspectAll(resources: readonly Resource[]): Promise<Finding[]> {
  const findings = await Promise.all(resources.map(inspectOne));
  return findings.flat();
}

/**
 * Changes the host to the wanted state. Without drift nothing is locked, written or started. Only one apply runs at a
 * time on a host, and every outcome is read back. Outcomes are in the order of the findings. `patience`: the time to
 * wait for another apply, in seconds, by default a minute; after it HostError EAGAIN is thrown. `guard` is null if
 * changes need no proof. `permits`: all, by default. `settled` is called with the outcomes before
 * the lock is released, so no other apply has run since. `drifted`: the caller's latest findings, which save the look
 * before the lock.
 */
export async function converge(
  host: Host,
  resources: readonly Resource[],
  { patience, guard = null, permits = (findings) => findings, settled = () => {}, drifted }: ConvergeOptions = {},
): Promise<Outcome[]> {
  const findings = drifted ?? (await inspectAll(resources));
  if (!findings.some(isActionable) && !guard?.unfinished()) {
    const outcomes = findings.map(untouched);
    settled(outcomes);
    return outcomes;
  }
  const change = (some: readonly Resource[]) => applyAll(some, permits);
  const work = async () => {
    const outcomes = await (guard === null ? change(resources) : guard.around(resources, change));
    settled(outcomes);
    return outcomes;
  };
  return host.exclusively(RUN_FOLDER, work, patience);
}

/**
 * Joins the outcomes of two converges. An artifact that the first changed counts as changed, even if the second found
 * it right.
 */
export function together(first: readonly Outcome[], second: readonly Outcome[]): Outcome[] {
  const changed = new Set(first.filter(({ result }) => result === 'changed').map(identity));
  return second.map((outcome) =>
    outcome.result === 'ok' && changed.has(identity(outcome)) ? { ...outcome, result: 'changed' } : outcome,
  );
}

/** Whether `apply` would change the artifact. */
export function isActionable(finding: Finding): boolean {
  return finding.state === 'drifted' && finding.refusal === undefined;
}

/** Whether the artifact is not as wanted, which makes `plan` exit 2. */
export function differs(finding: Finding): boolean {
  return finding.state === 'drifted' || finding.refusal !== undefined;
}

async function applyAll(resources: readonly Resource[], permits: ConvergePermits): Promise<Outcome[]> {
  const outcomes = new Map((await rememberAll(resources)).map((outcome) => [identity(outcome), outcome]));
  for (let round = 1; round <= ROUNDS; round += 1) {
    let changed = false;
    for (const resource of resources) {
      const findings = await inspectOne(resource);
      const isTried = (one: Finding) => isActionable(one) && outcomes.get(identity(one))?.result !== 'failed';
      const tried = findings.filter(isTried);
      const toApply = tried.length > 0 ? permits(tried) : [];
      const applied = new Map((await applyFindings(resource, toApply)).map((one) => [identity(one), one]));
      for (const finding of findings) {
        const earlier = outcomes.get(identity(finding));
        const outcome = applied.get(identity(finding));
        if (outcome !== undefined) {
          outcomes.set(identity(finding), outcome);
          changed = true;
        } else if (earlier === undefined || (earlier.result === 'changed' && differs(finding))) {
          const outcome = untouched(finding);
          outcomes.set(identity(finding), earlier?.result === 'changed' ? { ...outcome, changed: true } : outcome);
        }
      }
    }
    if (!changed) return [...outcomes.values()];
  }
  for (const finding of (await inspectAll(resources)).filter(isActionable)) {
    // Earlier failures have their own reasons, and findings that may not be changed now were not changed.
    if (outcomes.get(identity(finding))?.result !== 'changed') continue;
    const reason = 'the change does not stay: another setting, or another program, changes it back';
    outcomes.set(identity(finding), { ...untouched(finding), result: 'failed', changed: true, reason });
  }
  return [...outcomes.values()];
}

/** Never throws. Returns the findings that must not be changed, because what is there cannot be saved. */
async function rememberAll(resources: readonly Resource[]): Promise<Outcome[]> {
  const unsaved: Outcome[] = [];
  for (const resource of resources) {
    if (resource.remember === undefined) continue;
    for (const finding of (await inspectOne(resource)).filter(isActionable)) {
      try {
        await resource.remember(finding);
      } catch (error) {
        unsaved.push(failedBy(finding, error));
      }
    }
  }
  return unsaved;
}

async function inspectOne(resource: Resource): Promise<Finding[]> {
  try {
    return await resource.inspect();
  } catch (error) {
    const message = errorMessage(error);
    return [
      {
        resource: resource.name,
        key: resource.name,
        kind: 'resource',
        moment: 'now',
        state: 'unknown',
        wanted: null,
        actual: null,
        reason: message,
        refusal: message,
        settings: async () => [],
      },
    ];
  }
}

/** Applies findings of one resource. Never throws: a failure does not stop the remaining findings. */
export async function applyFindings(resource: Resource, findings: readonly Finding[]): Promise<Outcome[]> {
  if (findings.length > 1 && resource.applyMany !== undefined) {
    try {
      const outcomes = await resource.applyMany(findings);
      return outcomes.map((outcome, i) => (findings[i]?.awaited ? { ...outcome, awaited: true } : outcome));
    } catch {
      // Applied one by one, each finding reports its own error.
    }
  }
  const outcomes: Outcome[] = [];
  for (const finding of findings) outcomes.push(await applyOne(resource, finding));
  return outcomes;
}

async function applyOne(resource: Resource, finding: Finding): Promise<Outcome> {
  try {
    const outcome = await resource.apply(finding);
    return finding.awaited ? { ...outcome, awaited: true } : outcome;
  } catch (error) {
    return failedBy(finding, error);
  }
}

function failedBy(finding: Finding, error: unknown): Outcome {
  return { ...place(finding), result: 'failed', actual: finding.actual, reason: errorMessage(error) };
}

export function untouched(finding: Finding): Outcome {
  const outcome = { ...place(finding), actual: finding.actual };
  if (finding.refusal !== undefined) return { ...outcome, result: 'failed', reason: finding.refusal };
  const result = finding.state === 'ok' ? 'ok' : finding.state === 'drifted' ? 'failed' : 'skipped';
  return { ...outcome, result, ...(finding.reason === undefined ? {} : { reason: finding.reason }) };
}

export function place({ resource, key, moment }: Finding | Outcome) {
  return { resource, key, moment };
}

/** A text that identifies an artifact at a moment. */
export function identity({ resource, key, moment }: Finding | Outcome): string {
  return `${resource} ${moment} ${key}`;
}
