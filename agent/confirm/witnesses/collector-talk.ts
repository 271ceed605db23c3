/** Asks the collector about a trial. */
import { CONFIRM_PATH, FILLING, type TalkAnswer, type TalkQuestion, TRIAL_SEALS } from '../wire/acknowledgement.ts';
import { type SealedReply, sealedTalk, type TalkOptions, type TalkSubject } from './sealed-talk.ts';

export type TalkAsked = Pick<TalkQuestion, 'change' | 'inbound' | 'behind'>;

/** `answer` is null unless the collector acknowledged the change. */
export type Talk = SealedReply<TalkAnswer>;

const TRIAL: TalkSubject<TalkAsked & { readonly filling: string }, TalkAnswer> = {
  path: CONFIRM_PATH,
  seals: TRIAL_SEALS,
  read: talkAnswerIn,
  differs: ({ filling }, asked) => (filling === asked.filling ? null : 'its answer is not whole'),
};

/** Asks at these addresses of the collector, the first that accepts a connection. Never throws. */
export function talk(
  options: TalkOptions,
  asked: TalkAsked,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<Talk> {
  return sealedTalk(TRIAL, options, { ...asked, filling: FILLING }, addresses, signal);
}

/** null if the body is no answer about a trial. */
function talkAnswerIn(body: Buffer): TalkAnswer | null {
  try {
    const found = JSON.parse(body.toString('utf8')) as Partial<Record<keyof TalkAnswer, unknown>>;
    const texts = [found.nonce, found.change, found.host, found.address, found.filling];
    const inbound = found.inbound as TalkAnswer['inbound'];
    const isInbound =
      inbound === null ||
      (typeof inbound?.port === 'number' &&
        typeof inbound.tried === 'boolean' &&
        (inbound.why === null || typeof inbound.why === 'string'));
    const behind = Array.isArray(found.behind) ? (found.behind as Partial<TalkAnswer['behind'][number]>[]) : null;
    const isBehind = behind?.every(
      (one) =>
        typeof one?.name === 'string' &&
        (one.age === null || typeof one.age === 'number') &&
        typeof one.silent === 'boolean',
    );
    return texts.every((text) => typeof text === 'string') && isInbound && isBehind ? (found as TalkAnswer) : null;
  } catch {
    return null;
  }
}
