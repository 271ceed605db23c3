/** The resources that a trial changes, as the look before the change found them. */
import { identity, inspectAll, isActionable } from '../../hold/converge.ts';
import type { Finding, Resource } from '../../hold/resource.ts';

export interface Concerned {
  readonly resource: Resource;
  /** All of these are to be changed. */
  readonly findings: readonly Finding[];
}

/** The drifted ones of the resources, without those that only observe: they cut nothing off. */
export async function concernedOf(resources: readonly Resource[]): Promise<Concerned[]> {
  const found: Concerned[] = [];
  for (const resource of resources.filter(({ observes }) => observes !== true)) {
    const findings = (await inspectAll([resource])).filter(isActionable);
    if (findings.length > 0) found.push({ resource, findings });
  }
  return found;
}

/** Whether every artifact is as the look before the change found it. */
export async function isAsBefore(concerned: readonly Concerned[]): Promise<boolean> {
  for (const { resource, findings } of concerned) {
    const now = new Map((await inspectAll([resource])).map((finding) => [identity(finding), finding]));
    if (findings.some((then) => now.get(identity(then))?.actual !== then.actual)) return false;
  }
  return true;
}
