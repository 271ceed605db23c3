/** Reads the question of a host that is about to change. */
import { isRolloutName } from '../../config/notation/rollout-name.ts';
import type { WaveQuestion } from '../../confirm/wire/wave-talk.ts';
import { aboutChange, badPart, isText, objectIn } from './question.ts';

const HASH = /^[0-9a-f]{64}$/;
/** Milliseconds: the bounds of `confirm.within`. */
const WITHIN = { least: 0, most: 3_600_000 } as const;

/** Throws Refused. */
export function waveQuestionIn(body: Buffer): WaveQuestion {
  const found = objectIn(body);
  const { configuration, rollout, within } = found;
  if (!isText(configuration, HASH)) throw badPart('configuration', 'a hash');
  if (rollout !== null && !(typeof rollout === 'string' && isRolloutName(rollout)))
    throw badPart('rollout', 'null or a name');
  if (!(typeof within === 'number' && within >= WITHIN.least && within <= WITHIN.most))
    throw badPart('within', 'milliseconds');
  return { ...aboutChange(found), configuration, rollout, within };
}
