/**
 * `POST /v1/confirm`: acknowledges a change of a host on trial. The seals of question and answer stand for the token
 * (agent/confirm/wire), so this address does without a bearer token.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { unmappedAddress } from '../../address/address-checks.ts';
import {
  authorizationIn,
  isSealed,
  LARGEST_TALK,
  SEAL_HEADER,
  seal,
  type TalkAnswer,
  type TalkKey,
  type TalkQuestion,
} from '../../confirm/wire/acknowledgement.ts';
import type { Tokens } from '../admission/access.ts';
import { Refused, withBody } from '../admission/body.ts';
import { senderOf } from '../admission/sender.ts';
import type { BehindHosts } from './behind-hosts.ts';
import type { InboundTries } from './inbound-tries.ts';
import { questionIn } from './question.ts';

/** Milliseconds for which a nonce is remembered, and how many; the oldest goes first. */
const REMEMBERED = 600_000;
const MOST_NONCES = 100_000;

export interface AcknowledgerOptions {
  /** The files with tokens; empty if hosts need none. */
  readonly tokens: readonly Tokens[];
  readonly behind: BehindHosts;
  readonly inbound: InboundTries;
}

export class Acknowledger {
  readonly #options: AcknowledgerOptions;
  /** When each nonce came. */
  readonly #nonces = new Map<string, number>();

  constructor(options: AcknowledgerOptions) {
    this.#options = options;
  }

  async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let key: TalkKey | null = null;
    try {
      if (request.method !== 'POST') throw new Refused(405, 'only POST');
      if (!/^application\/json\b/i.test(request.headers['content-type'] ?? ''))
        throw new Refused(415, 'the content-type is not JSON');
      if (request.headers['content-encoding'] !== undefined) throw new Refused(415, 'a question is not packed');
      // A question says its length, so that nothing long is read before its sender is known.
      const length = Number(request.headers['content-length'] ?? Number.NaN);
      if (!(length <= LARGEST_TALK)) throw new Refused(413, `a question has a length of at most ${LARGEST_TALK} bytes`);
      const content = await withBody(request, senderOf(request), (body) => {
        key = this.#keyOf(request, body);
        return this.#answer(questionIn(body), request.socket.remoteAddress ?? '', Date.now());
      });
      send(response, 200, content, key);
    } catch (error) {
      if (response.destroyed) return;
      const status = error instanceof Refused ? error.status : 500;
      const confirm = error instanceof Refused ? error.message : 'internal error';
      if (status === 405) response.setHeader('allow', 'POST');
      if (!request.complete) response.setHeader('connection', 'close');
      send(response, status, { confirm }, key);
      if (!request.complete) response.once('finish', () => request.destroy());
    }
  }

  /** null if hosts need no token. Throws Refused. */
  #keyOf({ headers }: IncomingMessage, body: Buffer): TalkKey | null {
    const { tokens } = this.#options;
    const given = authorizationIn(headers.authorization);
    if (tokens.length === 0) {
      if (given === null) return null;
      throw new Refused(403, 'this host has a token, and the collector knows none: start it with --token-file');
    }
    if (given === null) throw new Refused(401, 'a question needs a seal by the token of its host');
    const key = tokens.map((one) => one.talkKey(given.key)).find((one) => one !== null) ?? null;
    if (key === null || !isSealed(key, 'question', body, given.seal))
      throw new Refused(401, 'the seal is by no token that the collector knows');
    return key;
  }

  async #answer(question: TalkQuestion, from: string, now: number): Promise<TalkAnswer> {
    const { nonce, change, host, inbound: port, filling } = question;
    if (this.#nonces.has(nonce)) throw new Refused(409, 'this question was asked before');
    this.#remember(nonce, now);
    const address = unmappedAddress(from) ?? from;
    const found = port === null ? null : await this.#options.inbound.reach(address, port, now);
    return {
      nonce,
      change,
      host,
      address,
      inbound: port === null || found === null ? null : { port, ...found },
      // After the try, which takes its time.
      behind: this.#options.behind.look(question.behind, Date.now()),
      filling,
    };
  }

  #remember(nonce: string, now: number): void {
    this.#nonces.set(nonce, now);
    for (const [oldest, at] of this.#nonces) {
      if (this.#nonces.size <= MOST_NONCES && now - at < REMEMBERED) break;
      this.#nonces.delete(oldest);
    }
  }
}

function send(response: ServerResponse, status: number, content: unknown, key: TalkKey | null): void {
  const body = Buffer.from(JSON.stringify(content));
  const headers = { 'content-type': 'application/json', 'content-length': body.length, 'cache-control': 'no-store' };
  response
    .writeHead(status, key === null ? headers : { ...headers, [SEAL_HEADER]: seal(key, 'answer', body) })
    .end(body);
}
