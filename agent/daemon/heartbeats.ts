/** Makes heartbeats from all probes, and tells which probes fail and which conditions begin and end. */
import { type Condition, type Sample, sample } from '../../probes/probe.ts';
import { type ProbeReport, type ProbeSchedule, probeSamples } from '../../probes/runner.ts';
import { beatPhase, untilNextBeat } from '../report/phase.ts';
import { type Conditions, EVENTS, occurrence, type Tell } from './daemon-events.ts';
import type { DaemonSetup } from './daemon-setup.ts';

/** How the heartbeats of one configuration are made. */
interface Beating {
  readonly schedule: ProbeSchedule;
  readonly delivery: DaemonSetup['delivery'];
  /** Milliseconds between two heartbeats. */
  readonly interval: number;
  /** Samples of the daemon itself. */
  readonly own: () => readonly Sample[];
  /** Decides the moment of this host's heartbeats within the interval. */
  readonly seed: string;
}

export class Heartbeats {
  readonly #conditions: Conditions;
  readonly #tell: Tell;
  readonly #failedProbes = new Set<string>();
  #beating!: Beating;
  #timer: NodeJS.Timeout | undefined;
  /** When the last heartbeat was made, by `performance.now()`. */
  last = performance.now();

  constructor(conditions: Conditions, tell: Tell) {
    this.#conditions = conditions;
    this.#tell = tell;
  }

  /** Takes the probes and the delivery of a new configuration. A probe that still fails is told again. */
  take(beating: Beating): void {
    this.#beating = beating;
    this.#failedProbes.clear();
  }

  start(): void {
    const { interval, seed } = this.#beating;
    this.#timer = setTimeout(
      async () => {
        this.start();
        await this.beat();
      },
      untilNextBeat(Date.now(), interval, beatPhase(seed, interval)),
    );
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  /** Reads the probes, and gives the heartbeat to the delivery. */
  async beat(): Promise<void> {
    const { schedule, delivery, own } = this.#beating;
    const reports = await schedule.heartbeat();
    for (const report of reports) this.#judge(report);
    delivery?.heartbeat([
      ...reports.flatMap(({ readings }) => readings.filter((reading) => reading.kind === 'sample')),
      ...reports.flatMap(probeSamples),
      ...own(),
      ...this.#conditions.all().map(({ code, attributes }) => sample('holdfast.condition', 1, { ...attributes, code })),
    ]);
    this.last = performance.now();
  }

  /** Emits the changes of a probe's conditions, and its failure once. */
  #judge({ probe, success, partly, error, readings }: ProbeReport): void {
    if (success || partly) {
      this.#conditions.update(
        probe,
        readings.filter((reading): reading is Condition => reading.kind === 'condition'),
      );
    }
    if (success) {
      if (this.#failedProbes.delete(probe)) {
        this.#tell(occurrence(EVENTS.probeRecovered, 'info', `the probe ${probe} sees again`, { probe }));
      }
    } else if (!this.#failedProbes.has(probe)) {
      this.#failedProbes.add(probe);
      this.#tell(
        occurrence(
          EVENTS.probeFailed,
          'warn',
          `the probe ${probe} ${partly ? 'can see only a part' : 'cannot see'}: ${error}`,
          {
            probe,
          },
        ),
      );
    }
  }
}
