/** Proves that split domains reach their own servers (`dns.split`): before a change directly, after it by libc's way. */
import { isIP } from 'node:net';
import type { DesiredSplit } from '../../config/desired.ts';
import { askNameServer } from '../../dns/ask.ts';
import { lookUp } from '../../dns/lookup.ts';
import { wayOf } from '../../dns/verify.ts';
import { type SplitVerdict, splitQuestions, valuesIn, verifySplit } from '../../dns/verify-split.ts';
import type { Host } from '../../host/host.ts';
import { effectiveValues } from '../../resolver/libc-reading.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import type { Resource } from '../resource.ts';

/** Milliseconds between two tries: a forwarder that was just told may still read its files. */
const AGAIN_AFTER = 100;

export class SplitProof {
  readonly #host: Host;
  readonly #split: readonly DesiredSplit[];
  readonly #timeout: number;
  #verdicts: readonly SplitVerdict[] = [];

  /** @param timeout milliseconds for an answer. */
  constructor(host: Host, split: readonly DesiredSplit[], timeout: number) {
    this.#host = host;
    this.#split = split;
    this.#timeout = timeout;
  }

  /** Asks the servers of each domain. Returns why they are no proof, or null. */
  async objection(): Promise<string | null> {
    this.#verdicts = await verifySplit(this.#split, { timeout: this.#timeout });
    const silent = this.#verdicts.filter(({ values }) => values.length === 0);
    if (silent.length === 0) return null;
    const each = silent.map(({ domain, complaints }) => `${domain} at ${complaints.join(', ')}`);
    return `no server of dns.split answers for ${each.join('; ')}`;
  }

  /** Servers that do not answer beside others that do. */
  get complaints(): string[] {
    return this.#verdicts.flatMap(({ domain, complaints }) => complaints.map((one) => `${domain} at ${one}`));
  }

  /**
   * Why look-ups can prove nothing yet, as half a sentence; null if they can. dnsmasq takes a first split only at its
   * next start, and the change has to stay for that.
   */
  async pending(resources: readonly Resource[]): Promise<string | null> {
    const findings = await Promise.all(resources.filter(({ name }) => name === 'split').map((one) => one.inspect()));
    const states = await Promise.all(findings.flat().map((finding) => finding.settings()));
    const isInForce = states.flat().every(({ moment, state }) => moment !== 'now' || state === 'ok');
    return isInForce ? null : 'dns.split is not in force yet, so only its servers were asked';
  }

  /** The domains that libc does not get from their servers, each as half a sentence. Call `objection` first. */
  async lost(): Promise<string[]> {
    const deadline = performance.now() + this.#timeout;
    for (;;) {
      const each = await Promise.all(this.#verdicts.map((verdict) => this.#lostOne(verdict)));
      const lost = each.flatMap((one) => one ?? []);
      if (lost.length === 0 || performance.now() > deadline) return lost;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER));
    }
  }

  async #lostOne({ domain, servers, name, values }: SplitVerdict): Promise<string | null> {
    const found = name === null ? await this.#recordOf(domain) : await lookUp(this.#host, `${name}.`);
    // Nothing can be looked up on this host, so nothing was lost.
    if (found === null || found.some((value) => values.includes(value.toLowerCase()))) return null;
    const instead = found.length === 0 ? 'nothing' : found.join(', ');
    return `finds ${instead} for ${name ?? domain}, of which ${servers.join(' or ')} says ${values.join(', ')}`;
  }

  /** By the server that libc asks. getent(1) looks up addresses only. null if resolv.conf names no address. */
  async #recordOf(domain: string): Promise<readonly string[] | null> {
    const text = this.#host.readTextUnlessAstray(RESOLV_CONF) ?? '';
    const [server = '127.0.0.1'] = effectiveValues(text, 'nameserver') ?? [];
    if (isIP(server.replace(/%.*/, '')) === 0) return null;
    const way = { timeout: this.#timeout, ...wayOf(effectiveValues(text, 'options') ?? []) };
    const answers = await askNameServer(server, splitQuestions(domain, null), way);
    return answers.flatMap(valuesIn);
  }
}
