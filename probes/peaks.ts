/**
 * The most that each series of a metric ever had since this boot, and when, so that a peak at night is still known in
 * the morning. The daemon keeps the peaks in /run over its restarts.
 */
import { isMap } from '../agent/config/plain-map.ts';
import { isBootOf, markBoot } from '../agent/host/boot-mark.ts';
import { nullIfRefused } from '../agent/host/errors.ts';
import type { Host } from '../agent/host/host.ts';
import { type Probe, type Reading, type Sample, type SampleAttributes, sample } from './probe.ts';
import { Remembered } from './remembered.ts';

/** The most series. Beyond that, those with the lowest peaks are forgotten. */
const MOST = 500;

/** The metrics whose peaks are kept. */
export type Peaking = 'system.network.route.count' | 'system.network.route.table.count' | 'system.network.limit.used';

interface Peak {
  readonly attributes: SampleAttributes;
  readonly value: number;
  /** Seconds since the epoch. */
  readonly time: number;
}

interface Kept {
  /** The boot in which these were measured. */
  readonly boot: string;
  readonly peaks: readonly Peak[];
}

/** The probe, with the peaks in its readings. */
export function withPeaks(probe: Probe, peaks: Peaks): Probe {
  return { ...probe, read: async (signal) => peaks.with(await probe.read(signal)) };
}

export class Peaks {
  readonly #host: Host;
  readonly #metric: Peaking;
  readonly #keep: boolean;
  readonly #clock: () => number;
  readonly #remembered: Remembered<Kept>;
  #peaks: Map<string, Peak> | null = null;
  /** null if the peaks cannot be kept, since /run refuses the mark of this boot. */
  #boot: string | null = null;

  /**
   * @param keep false for a single look, which only reads the peaks of the daemon.
   * @param clock in milliseconds since the epoch.
   */
  constructor(host: Host, metric: Peaking, { keep, clock = Date.now }: { keep: boolean; clock?: () => number }) {
    this.#host = host;
    this.#metric = metric;
    this.#keep = keep;
    this.#clock = clock;
    this.#remembered = new Remembered(host, `peaks-${metric}`, isKept);
  }

  /** The readings, with the peaks up to them. */
  with(readings: readonly Reading[]): Reading[] {
    this.#peaks ??= this.#load();
    const peaks = this.#peaks;
    if (!this.#keep && peaks.size === 0) return [...readings]; // a single look knows no peak
    for (const reading of readings)
      if (reading.kind === 'sample' && reading.metric === this.#metric) this.#note(peaks, reading);
    const kept = [...peaks.values()].sort((a, b) => b.value - a.value).slice(0, MOST);
    if (kept.length < peaks.size) this.#peaks = byKey(kept);
    if (this.#keep && this.#boot !== null) this.#remembered.save({ boot: this.#boot, peaks: kept });
    return [
      ...readings,
      ...kept.flatMap(({ attributes, value, time }) => [
        sample(`${this.#metric}.max`, value, attributes),
        sample(`${this.#metric}.max.time`, time, attributes),
      ]),
    ];
  }

  #note(peaks: Map<string, Peak>, { attributes, value }: Sample): void {
    const key = JSON.stringify(attributes);
    if (value > (peaks.get(key)?.value ?? -1))
      peaks.set(key, { attributes, value, time: Math.floor(this.#clock() / 1000) });
  }

  #load(): Map<string, Peak> {
    const known = this.#remembered.load();
    const sameBoot = known !== null && isBootOf(this.#host, known.boot);
    if (this.#keep) this.#boot = nullIfRefused(() => markBoot(this.#host));
    return byKey(sameBoot ? known.peaks.slice(0, MOST) : []);
  }
}

function byKey(peaks: readonly Peak[]): Map<string, Peak> {
  return new Map(peaks.map((peak) => [JSON.stringify(peak.attributes), peak]));
}

function isKept(value: unknown): value is Kept {
  return (
    isMap(value) &&
    typeof value.boot === 'string' &&
    Array.isArray(value.peaks) &&
    value.peaks.every(
      (peak) => isMap(peak) && isMap(peak.attributes) && Number.isFinite(peak.value) && Number.isSafeInteger(peak.time),
    )
  );
}
