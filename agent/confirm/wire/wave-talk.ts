/**
 * The talk between a host that is about to change and its collector: `POST /v1/waves`. Question and answer are sealed as
 * those of a trial (acknowledgement.ts). The collector can only say that the host goes, or waits.
 */

export const WAVES_PATH = '/v1/waves';
export const WAVE_SEALS = { asks: 'wave question', answers: 'wave answer' } as const;

export interface WaveQuestion {
  /** 32 hexadecimal digits, never used before. */
  readonly nonce: string;
  /** The change id. */
  readonly change: string;
  /** `host.id` of the heartbeats. */
  readonly host: string;
  /** The hash of the configuration. */
  readonly configuration: string;
  /** The name of the rollout; null: hosts with the same configuration are one rollout. */
  readonly rollout: string | null;
  /** Milliseconds that the witnesses of the change have. */
  readonly within: number;
}

export interface WaveAnswer {
  /** The next three are those of the question. */
  readonly nonce: string;
  readonly change: string;
  readonly host: string;
  /** The id of the rollout. */
  readonly rollout: string;
  readonly go: boolean;
  /** Why the host waits, without a full stop; '' if it goes. */
  readonly why: string;
  /** Milliseconds until the host should ask again. */
  readonly again: number;
  /** Hosts of the rollout that were admitted so far. */
  readonly admitted: number;
  /** Hosts that the collector knows. */
  readonly known: number;
}

/** How the change of a host stands after its last question, as `holdfast.change.wave` reports it. */
export const WAVE_STANDINGS = ['waiting', 'admitted', 'confirmed', 'provisional', 'put-back'] as const;
export type WaveStanding = (typeof WAVE_STANDINGS)[number];
