/** Asks the collector whether this host may change now. */
import { bareHost } from '../../address/address.ts';
import type { Host } from '../../host/host.ts';
import { WAVE_SEALS, WAVES_PATH, type WaveAnswer, type WaveQuestion } from '../wire/wave-talk.ts';
import { familiesOf, placesOf } from '../witnesses/places.ts';
import { sealedTalk, type TalkOptions, type TalkSubject } from '../witnesses/sealed-talk.ts';

export type WaveAsked = Omit<WaveQuestion, 'nonce' | 'host'>;

/** The answer of the collector, or the wait without an answer. */
export interface WaveReply {
  readonly go: boolean;
  /** Why the host waits, without a full stop; '' if it goes. */
  readonly why: string;
  /** Milliseconds until the next question. */
  readonly again: number;
  /** The id of the rollout; null if the collector did not answer. */
  readonly rollout: string | null;
  /** Hosts of the rollout that were admitted so far, and hosts that the collector knows; null if it did not say. */
  readonly counts: { readonly admitted: number; readonly known: number } | null;
}

/** Milliseconds for look-up and answer. */
const PATIENCE = 10_000;
/** Milliseconds between two questions: the bounds, whatever the collector names, and without an answer. */
const AGAIN = { least: 2_000, most: 600_000, unanswered: 15_000 } as const;
/** Characters of a text of the collector. */
const LONGEST = 300;

const WAVE: TalkSubject<WaveAsked, WaveAnswer> = {
  path: WAVES_PATH,
  seals: WAVE_SEALS,
  read: waveAnswerIn,
  differs: () => null,
};

/** Never throws. Without an answer the host waits, because `confirm.waves` forbids a change without permission. */
export async function askWave(host: Host, options: TalkOptions, asked: WaveAsked): Promise<WaveReply> {
  const signal = AbortSignal.timeout(PATIENCE);
  const name = bareHost(new URL(options.endpoint).hostname);
  const found = await Promise.all(
    familiesOf(name).map((family) => placesOf(host, name, family, signal).catch(() => [])),
  );
  const addresses = found.flat().map(({ address }) => address);
  if (addresses.length === 0) return unanswered(`the name of the collector (${name}) is not found`);
  const { answer, heard } = await sealedTalk(WAVE, options, asked, addresses, signal);
  if (answer === null) return unanswered(heard.why ?? 'no answer');
  const { go, why, again, rollout, admitted, known } = answer;
  return {
    go,
    why: why.slice(0, LONGEST),
    again: Math.min(AGAIN.most, Math.max(AGAIN.least, again)),
    rollout: rollout.slice(0, LONGEST),
    counts: rollout === '' ? null : { admitted, known },
  };
}

function unanswered(why: string): WaveReply {
  return {
    go: false,
    why: `the collector gave no permission: ${why}; a collector of an earlier version knows no waves`,
    again: AGAIN.unanswered,
    rollout: null,
    counts: null,
  };
}

/** null if the body is no answer about a wave. */
function waveAnswerIn(body: Buffer): WaveAnswer | null {
  try {
    const found = JSON.parse(body.toString('utf8')) as Partial<Record<keyof WaveAnswer, unknown>>;
    const texts = [found.nonce, found.change, found.host, found.rollout, found.why];
    const numbers = [found.again, found.admitted, found.known];
    const isAnswer =
      texts.every((text) => typeof text === 'string') &&
      numbers.every((number) => Number.isSafeInteger(number) && Number(number) >= 0) &&
      typeof found.go === 'boolean';
    return isAnswer ? (found as unknown as WaveAnswer) : null;
  } catch {
    return null;
  }
}
