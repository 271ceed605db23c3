/** The name of a rollout by waves, as the operator writes it. */

/** The beginning of the id of a rollout without a name. No name may have it. */
export const UNNAMED_ROLLOUT = 'config-';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export function isRolloutName(text: string): boolean {
  return NAME.test(text) && !text.startsWith(UNNAMED_ROLLOUT);
}
