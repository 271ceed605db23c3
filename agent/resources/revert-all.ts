/** Puts the host back to its state before the first apply: a loop over the leftovers of the resources. */
import type { DesiredVerify } from '../config/desired.ts';
import { withoutSecrets } from '../config/sysctl/secret-sysctls.ts';
import { artifactOf, type Original, Originals, recordPath, resourceOf } from '../hold/originals/originals.ts';
import { dnsChangeJournal, PROVED } from '../hold/proof/dns-change-journal.ts';
import type { Outcome } from '../hold/resource.ts';
import { type Leftover, TOLD_AFTER, TURNS } from '../hold/undoing.ts';
import { errorMessage } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { RUN_FOLDER } from '../host/paths.ts';
import { leftovers, tellOfFiles, WAY_BACK } from './leftovers.ts';
import { OF_DNS, RESOURCE_NAMES, type ResourceName } from './resource-names.ts';

export interface RevertOptions {
  /** The resources to revert. Artifacts of all other resources stay as they are. */
  readonly only?: readonly ResourceName[] | undefined;
  /** The configured proof; null if the earlier name servers need none. */
  readonly verify?: DesiredVerify | null;
}

/**
 * Returns one outcome for each artifact that Holdfast touched. The record of a failed artifact stays, so that revert
 * can be tried again.
 */
export async function revertAll(
  host: Host,
  { only = RESOURCE_NAMES, verify = null }: RevertOptions = {},
): Promise<Outcome[]> {
  const originals = new Originals(host);
  const journal = dnsChangeJournal(host, async () => WAY_BACK);
  const damaged = originals
    .damaged()
    .filter((record) => only.some((name) => name === resourceOf(artifactOf(record))))
    .map(unknownOriginal);
  const ofDns = only.some((name) => OF_DNS.includes(name));
  const unfinished = ofDns && journal.pending();
  if (leftovers(host, only).length === 0 && !unfinished) return damaged;
  return host.exclusively(RUN_FOLDER, async () => {
    // An unfinished change of DNS is put back first. The earlier proof no longer counts.
    if (unfinished) await journal.putBack();
    const left = leftovers(host, only);
    const objection = await objectionOf(host, left, verify);
    if (ofDns && objection === null) host.remove(PROVED);
    const outcomes: Outcome[] = [];
    for (const turn of TURNS) {
      for (const one of left.filter((leftover) => leftover.turn === turn)) {
        const barred = one.original === null ? null : whyNot(originals, one.original, objection);
        outcomes.push(...(barred === null ? await putBack(originals, one) : [failed(one, barred)]));
      }
      if (turn === TOLD_AFTER) await tellOfFiles(host, changedKeys(outcomes));
    }
    return [...outcomes, ...damaged];
  });
}

/** Never throws. */
async function putBack(originals: Originals, leftover: Leftover): Promise<Outcome[]> {
  const { original } = leftover;
  let outcomes: Outcome[];
  try {
    outcomes = await leftover.putBack();
  } catch (error) {
    outcomes = [failed(leftover, errorMessage(error))];
  }
  if (original === null) return outcomes;
  if (outcomes.every(({ result }) => result === 'ok' || result === 'changed')) originals.forget(original);
  return outcomes.map(withoutValues);
}

/** Why an artifact stays as it is; null if it may be put back. */
function whyNot(originals: Originals, original: Original, objection: string | null): string | null {
  if (objection !== null && OF_DNS.includes(resourceOf(original))) return objection;
  return originals.isForeign(original) && isBefore(original) ? foreign(original) : null;
}

/** Why DNS is not put back; null if it may be. */
async function objectionOf(
  host: Host,
  left: readonly Leftover[],
  verify: DesiredVerify | null,
): Promise<string | null> {
  const found = left.flatMap(({ original }) => original ?? []);
  if (verify === null || !host.live || !found.some((original) => OF_DNS.includes(resourceOf(original)))) return null;
  return (await import('./resolver/way-back.ts')).objection(host, found, verify);
}

function changedKeys(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap(({ key, result }) => (result === 'changed' ? [key] : []));
}

function failed({ key, moment }: Leftover, reason: string): Outcome {
  return { resource: 'revert', key, moment, result: 'failed', actual: null, reason };
}

/** Whether an original would come back. Files that Holdfast made are removed on every machine. */
function isBefore(original: Original): boolean {
  return original.kind !== 'link' && !(original.kind === 'file' && original.before === null && original.link === null);
}

function foreign({ kind, key }: Original): string {
  return `the original belongs to another machine, from which this one was copied, so this stays as it is; put it right by hand, then remove ${recordPath(kind, key)}`;
}

function unknownOriginal(record: string): Outcome {
  const reason =
    'this record is damaged, so its artifact stays as it is; put the artifact right by hand, then remove the record';
  return { resource: 'revert', key: record, moment: 'boot', result: 'failed', actual: null, reason };
}

/** A file of sysctl.d may hold secrets. */
function withoutValues(outcome: Outcome): Outcome {
  return { ...outcome, actual: outcome.actual === null ? null : withoutSecrets(outcome.actual) };
}
