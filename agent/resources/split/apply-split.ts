/** Changes one artifact of `dns.split`. */
import type { DesiredDns, DesiredSplit } from '../../config/desired.ts';
import { applyFile, removeWithFolder } from '../../hold/files/apply-file.ts';
import { Originals } from '../../hold/originals/originals.ts';
import type { Finding, Outcome } from '../../hold/resource.ts';
import type { Host } from '../../host/host.ts';
import { type Answerer, findAnswerer } from './answerer.ts';
import { dnsmasqSplitFiles } from './dnsmasq-split.ts';
import { dnsmasqComplaint } from './dnsmasq-split-check.ts';
import { inspectSplit } from './inspect-split.ts';
import { stillSplits } from './resolved-split.ts';
import { isOfResolved, splitZones } from './split-view.ts';
import { answersAgain, sendHangUp } from './tell-program.ts';
import { noteTold, toldText } from './told-programs.ts';
import { unboundSplitFile } from './unbound-conf.ts';
import { tellUnbound } from './unbound-control.ts';
import { unboundComplaint } from './unbound-split-check.ts';
import { tellOfSplitFiles } from './way-back.ts';

type Forwarder = Extract<Answerer, { readonly process: unknown }>;

export async function applySplit(host: Host, dns: DesiredDns | null, finding: Finding): Promise<Outcome> {
  if (finding.wanted === null) {
    const outcome = await applyFile(host, finding);
    removeWithFolder(host, finding.key);
    await tellOfSplitFiles(host, [finding.key]);
    return noted(outcome, isOfResolved(finding.key) ? stillSplits(host, finding.key, finding.actual) : null);
  }
  const split = dns?.split ?? [];
  if (isOfResolved(finding.key)) return applyFile(host, finding);
  const answerer = findAnswerer(host, dns!);
  if (!('process' in answerer)) return failed(finding, 'another program answers libc now');
  if (finding.kind === 'file') {
    const problem = complaint(host, split, finding.key, finding.wanted, answerer);
    return problem === null ? applyFile(host, finding) : failed(finding, problem);
  }
  await tell(host, split, answerer);
  const now = (await inspectSplit(host, dns, [])).find(({ key }) => key === finding.key);
  if (now?.state !== 'ok') return { ...failed(finding, now?.reason ?? 'it has ended'), changed: true };
  return { ...place(finding), actual: now.actual, result: 'changed' };
}

function complaint(
  host: Host,
  split: readonly DesiredSplit[],
  file: string,
  text: string,
  { by, process }: Forwarder,
): string | null {
  if (by === 'dnsmasq') return dnsmasqComplaint(host, file, text, process);
  return unboundComplaint(host, split, text, process);
}

async function tell(host: Host, split: readonly DesiredSplit[], { by, process, libcAsks }: Forwarder): Promise<void> {
  if (process === null) return;
  if (by === 'dnsmasq') {
    sendHangUp(host, process);
    await answersAgain(libcAsks);
    noteTold(host, process, dnsmasqSplitFiles(host, process).servers);
    return;
  }
  const file = unboundSplitFile(host, process);
  await tellUnbound(host, process, split, {
    gone: goneDomains(host, split, file, toldText(host, process, file)),
    libcAsks,
  });
  noteTold(host, process, file);
}

/** Domains of our earlier files that are no longer configured. */
function goneDomains(
  host: Host,
  split: readonly DesiredSplit[],
  file: string,
  told: string | null | undefined,
): string[] {
  const earlier = `${new Originals(host).find('file', file)?.earlier ?? ''}\n${told ?? ''}`;
  const domains = [...earlier.matchAll(/^ {2}name: "(\S+)\."$/gm)].map(([, domain]) => domain!);
  const kept = splitZones(split).map(({ domain }) => domain);
  return [...new Set(domains)].filter((domain) => !kept.includes(domain));
}

function noted(outcome: Outcome, reason: string | null): Outcome {
  return reason === null ? outcome : { ...outcome, reason };
}

function place({ resource, key, moment }: Finding) {
  return { resource, key, moment };
}

function failed(finding: Finding, reason: string): Outcome {
  return { ...place(finding), actual: finding.actual, result: 'failed', reason };
}
