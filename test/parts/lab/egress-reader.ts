/** Reads one egress probe again and again inside a throw-away host. */
import { join } from 'node:path';
import type { Condition, Occurrence, Reading, Sample } from '../../../probes/probe.ts';
import { REPOSITORY } from '../repository.ts';
import type { LabHost } from './host.ts';
import { Log } from './log.ts';

/** One probe, over several readings. */
export class EgressReader {
  readonly #child;
  readonly #log: Log;
  #read = 0;

  constructor(host: LabHost) {
    this.#child = host.spawn([process.execPath, join(REPOSITORY, 'test/parts/lab/egress-inside.ts')]);
    this.#log = new Log(this.#child.stdout!);
    new Log(this.#child.stderr!);
  }

  async next(): Promise<SeenEgress> {
    this.#child.stdin!.write('\n');
    const readings: Reading[] = JSON.parse(await this.#log.until(/^\[/, this.#read));
    this.#read += 1;
    return new SeenEgress(readings);
  }
}

class SeenEgress {
  readonly #readings: readonly Reading[];

  constructor(readings: readonly Reading[]) {
    this.#readings = readings;
  }

  values(metric: string, about: Record<string, unknown> = {}): number[] {
    return this.#readings
      .filter((one): one is Sample => one.kind === 'sample' && one.metric === `system.network.egress.${metric}`)
      .filter(({ attributes }) =>
        Object.entries({ 'network.type': 'ipv4', ...about }).every(([k, v]) => attributes[k] === v),
      )
      .map(({ value }) => value);
  }

  get filtered(): number {
    const drops = this.#readings.find((one) => one.kind === 'sample' && one.metric.endsWith('rp_filter.drops'));
    return (drops as Sample).value;
  }

  get conditions(): Condition[] {
    return this.#readings.filter((one) => one.kind === 'condition');
  }

  get codes(): string[] {
    return this.conditions.map(({ code }) => code);
  }

  get events(): Occurrence[] {
    return this.#readings.filter((one) => one.kind === 'event');
  }
}
