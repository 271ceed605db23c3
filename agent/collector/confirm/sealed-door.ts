/**
 * Takes the sealed questions of hosts that change. The seals of question and answer stand for the token
 * (agent/confirm/wire), so these addresses do without a bearer token.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  authorizationIn,
  isSealed,
  LARGEST_TALK,
  SEAL_HEADER,
  type SealDirection,
  seal,
  type TalkKey,
  type TalkSeals,
} from '../../confirm/wire/acknowledgement.ts';
import type { Tokens } from '../admission/access.ts';
import { Refused, withBody } from '../admission/body.ts';
import { senderOf } from '../admission/sender.ts';

/** Milliseconds for which a nonce is remembered, and how many; the oldest goes first. */
const REMEMBERED = 600_000;
const MOST_NONCES = 100_000;

/** One kind of question, and who answers. */
export interface SealedSubject<Question extends { readonly nonce: string }> {
  readonly seals: TalkSeals;
  /** Throws Refused. */
  readonly read: (body: Buffer) => Question;
  /** `from`: the address of the sender. `now`: milliseconds since the epoch. */
  readonly answer: (question: Question, from: string, now: number) => object | Promise<object>;
}

export class SealedDoor {
  readonly #tokens: readonly Tokens[];
  /** When each nonce came. */
  readonly #nonces = new Map<string, number>();

  /** `tokens`: the files with tokens; empty if hosts need none. */
  constructor(tokens: readonly Tokens[]) {
    this.#tokens = tokens;
  }

  async receive<Question extends { readonly nonce: string }>(
    { seals, read, answer }: SealedSubject<Question>,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
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
        key = this.#keyOf(request, body, seals.asks);
        const question = read(body);
        const now = Date.now();
        if (this.#nonces.has(question.nonce)) throw new Refused(409, 'this question was asked before');
        this.#remember(question.nonce, now);
        return answer(question, request.socket.remoteAddress ?? '', now);
      });
      send(response, 200, content, key, seals.answers);
    } catch (error) {
      if (response.destroyed) return;
      const status = error instanceof Refused ? error.status : 500;
      const confirm = error instanceof Refused ? error.message : 'internal error';
      if (status === 405) response.setHeader('allow', 'POST');
      if (!request.complete) response.setHeader('connection', 'close');
      send(response, status, { confirm }, key, seals.answers);
      if (!request.complete) response.once('finish', () => request.destroy());
    }
  }

  /** null if hosts need no token. Throws Refused. */
  #keyOf({ headers }: IncomingMessage, body: Buffer, asks: SealDirection): TalkKey | null {
    const given = authorizationIn(headers.authorization);
    if (this.#tokens.length === 0) {
      if (given === null) return null;
      throw new Refused(403, 'this host has a token, and the collector knows none: start it with --token-file');
    }
    if (given === null) throw new Refused(401, 'a question needs a seal by the token of its host');
    const key = this.#tokens.map((one) => one.talkKey(given.key)).find((one) => one !== null) ?? null;
    if (key === null || !isSealed(key, asks, body, given.seal))
      throw new Refused(401, 'the seal is by no token that the collector knows');
    return key;
  }

  #remember(nonce: string, now: number): void {
    this.#nonces.set(nonce, now);
    for (const [oldest, at] of this.#nonces) {
      if (this.#nonces.size <= MOST_NONCES && now - at < REMEMBERED) break;
      this.#nonces.delete(oldest);
    }
  }
}

function send(
  response: ServerResponse,
  status: number,
  content: unknown,
  key: TalkKey | null,
  answers: SealDirection,
): void {
  const body = Buffer.from(JSON.stringify(content));
  const headers = { 'content-type': 'application/json', 'content-length': body.length, 'cache-control': 'no-store' };
  response
    .writeHead(status, key === null ? headers : { ...headers, [SEAL_HEADER]: seal(key, answers, body) })
    .end(body);
}
