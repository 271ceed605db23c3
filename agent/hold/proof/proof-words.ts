/** What a proof says about findings and name servers. */
import type { DnsVerdict } from '../../dns/verify.ts';
import { networkInterfaces } from '../../host/looks.ts';
import { isActionable, place, untouched } from '../converge.ts';
import type { Finding, Outcome } from '../resource.ts';

/** The addresses of all interfaces that are up. */
export function ownAddresses(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all
    .flatMap(({ cidr }) => cidr ?? [])
    .sort()
    .join(' ');
}

export function refused(findings: readonly Finding[], reason: string): Outcome[] {
  return findings.map((finding) => {
    if (!isActionable(finding)) return untouched(finding);
    return { ...place(finding), result: 'failed', actual: finding.actual, reason };
  });
}

export function sentence({ server, complaint }: DnsVerdict): string {
  return `${server}: ${complaint}`;
}

export function count(answering: number, of: number): string {
  const who = of === 1 ? 'its name server' : `${answering === 0 ? 'none' : answering} of ${of} name servers`;
  return answering === 1 || of === 1 ? `${who} ${answering === 0 ? 'does not answer' : 'answers'}` : `${who} answer`;
}

export function withLeftOver(body: string, leftOver: readonly { path: string; problem: string }[]): string {
  return [body, ...leftOver.map(({ path, problem }) => `${path} is not as it was: ${problem}`)].join('; ');
}
