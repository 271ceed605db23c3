/** Whether the servers of split domains answer for them (`dns.split`). Each server is asked directly. */
import type { DesiredSplit } from '../config/desired.ts';
import { isWithin } from '../config/notation/split-domains.ts';
import { type AskOptions, askNameServer, type DnsAnswer } from './ask.ts';
import type { DnsQuestion } from './dns-message.ts';
import { failure } from './verify.ts';

export interface SplitVerdict {
  readonly domain: string;
  readonly servers: DesiredSplit['servers'];
  /** The name that is looked up; null: the SOA record of the domain stands for it. */
  readonly name: string | null;
  /** What its servers answer: addresses, or the first server of the SOA record. Empty if none of them answers. */
  readonly values: readonly string[];
  /** Why servers give no proof, each with its address. */
  readonly complaints: readonly string[];
}

/** All domains of all entries, at once. One server of each domain must answer. */
export function verifySplit(split: readonly DesiredSplit[], way: AskOptions): Promise<SplitVerdict[]> {
  const asked = split.flatMap(({ domains, servers, verify }) =>
    domains.map((domain) => ({
      domain,
      servers,
      name: verify !== null && isWithin(verify, domain) ? verify : null,
    })),
  );
  return Promise.all(
    asked.map(async ({ domain, servers, name }) => {
      const found = await Promise.all(
        servers.map((server) => askNameServer(server, splitQuestions(domain, name), way)),
      );
      const values = new Set(found.flatMap((answers) => answers.flatMap(valuesIn)));
      const complaints = servers.flatMap((server, n) => {
        const answers = found[n]!;
        return answers.some((answer) => valuesIn(answer).length > 0)
          ? []
          : `${server}: ${complaint(answers, name ?? domain, way.timeout)}`;
      });
      return { domain, servers, name, values: [...values], complaints };
    }),
  );
}

export function splitQuestions(domain: string, name: string | null): DnsQuestion[] {
  if (name === null) return [{ name: domain, type: 'SOA' }];
  return [
    { name, type: 'A' },
    { name, type: 'AAAA' },
  ];
}

export function valuesIn(answer: DnsAnswer): readonly string[] {
  return answer.kind === 'answer' && !answer.onlyByTcp ? answer.values.map((value) => value.toLowerCase()) : [];
}

function complaint(answers: readonly DnsAnswer[], asked: string, timeout: number): string {
  const failed = answers.map((answer) => failure(answer, timeout)).find((one) => one !== null);
  return failed ?? `it has nothing for ${asked}`;
}
