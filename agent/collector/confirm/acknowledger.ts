/** `POST /v1/confirm`: acknowledges a change of a host on trial. */
import { unmappedAddress } from '../../address/address-checks.ts';
import { type TalkAnswer, type TalkQuestion, TRIAL_SEALS } from '../../confirm/wire/acknowledgement.ts';
import type { BehindHosts } from './behind-hosts.ts';
import type { InboundTries } from './inbound-tries.ts';
import { questionIn } from './question.ts';
import type { SealedSubject } from './sealed-door.ts';

export class Acknowledger implements SealedSubject<TalkQuestion> {
  readonly seals = TRIAL_SEALS;
  readonly read = questionIn;
  readonly #behind: BehindHosts;
  readonly #inbound: InboundTries;

  constructor(behind: BehindHosts, inbound: InboundTries) {
    this.#behind = behind;
    this.#inbound = inbound;
  }

  readonly answer = async (question: TalkQuestion, from: string, now: number): Promise<TalkAnswer> => {
    const { nonce, change, host, inbound: port, filling } = question;
    const address = unmappedAddress(from) ?? from;
    const found = port === null ? null : await this.#inbound.reach(address, port, now);
    return {
      nonce,
      change,
      host,
      address,
      inbound: port === null || found === null ? null : { port, ...found },
      // After the try, which takes its time.
      behind: this.#behind.look(question.behind, Date.now()),
      filling,
    };
  };
}
