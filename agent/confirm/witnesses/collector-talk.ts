/**
 * Asks the collector about a trial, by a new connection each time. Believes only an answer to this very question, by a
 * Holdfast collector that knows this host's token.
 */
import { randomBytes } from 'node:crypto';
import { isPlainAndRemote } from '../../config/notation/endpoint.ts';
import { errorCode, errorMessage } from '../../host/errors.ts';
import { monotonicNow } from '../../host/steady-clock.ts';
import type { CredentialNames, Credentials } from '../../report/delivery/credentials.ts';
import { Client, type DeliveryReply } from '../../report/delivery/http-client.ts';
import {
  authorization,
  CONFIRM_PATH,
  FILLING,
  isSealed,
  keyOfToken,
  LARGEST_TALK,
  SEAL_HEADER,
  type TalkAnswer,
  type TalkKey,
  type TalkQuestion,
} from '../wire/acknowledgement.ts';
import { type Hearing, silent } from './confirm-witness.ts';

export interface TalkOptions {
  readonly endpoint: string;
  readonly names: CredentialNames;
  readonly credentials: Credentials;
  /** `host.id` of the heartbeats. */
  readonly hostId: string;
}

export type TalkAsked = Pick<TalkQuestion, 'change' | 'inbound' | 'behind'>;

/** `answer` is null unless the collector acknowledged the change; `heard` then says why. */
export interface Talk {
  readonly answer: TalkAnswer | null;
  readonly heard: Hearing;
  /** When the question was sent, by monotonicNow(). */
  readonly asked: number;
}

/** Asks at these addresses of the collector, the first that accepts a connection. Never throws. */
export async function talk(
  { endpoint, names, credentials, hostId }: TalkOptions,
  asked: TalkAsked,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<Talk> {
  const at = monotonicNow();
  const none = (heard: Hearing): Talk => ({ answer: null, heard, asked: at });
  try {
    const { token } = credentials.read(names);
    const key = token === null ? null : keyOfToken(token);
    if (key === null && isPlainAndRemote(endpoint)) return none(silent(UNPROVABLE));
    const question = { nonce: randomBytes(16).toString('hex'), host: hostId, ...asked, filling: FILLING };
    const body = Buffer.from(JSON.stringify(question));
    // The client itself would send the token, and whoever answers could then seal with it.
    const race = { resolve: async () => addresses };
    const client = new Client(endpoint, { ...names, tokenFile: null }, credentials, race);
    // Node ends a request by its signal only when the request has a connection. Dropped packets would hold it longer.
    signal.addEventListener('abort', () => client.close(), { once: true });
    try {
      const headers = {
        'content-type': 'application/json',
        connection: 'close',
        ...(key === null ? {} : { authorization: authorization(key, body) }),
      };
      const reply = await client.send(
        { method: 'POST', path: CONFIRM_PATH, body, headers, largest: LARGEST_TALK },
        signal,
      );
      const believed = believe(reply, question, key);
      if (typeof believed === 'string') {
        return none({ reached: true, why: believed, ...(NOT_OURS.test(believed) ? { foreign: true } : {}) });
      }
      return { answer: believed, heard: { reached: true, why: null }, asked: at };
    } finally {
      client.close();
    }
  } catch (error) {
    if (signal.aborted) return none(silent('no answer in time'));
    return none({ reached: CAME_BACK.test(`${errorCode(error)} ${errorMessage(error)}`), why: errorMessage(error) });
  }
}

const NOT_OURS = /no collector of Holdfast answers there/;

const UNPROVABLE =
  'it is asked by http:// and without a token, so anyone could answer: configure report.token-file or an https:// endpoint';

/** Errors of a connection over which something came from the other side. */
const CAME_BACK = /\b(ECONN(REFUSED|RESET)|EPIPE|EPROTO|HPE_\w+|ERR_(TLS|SSL)_\w+|\w*CERT\w*|UNABLE_TO_\w+)\b/;

/** The answer, or why it is no acknowledgement. */
function believe(
  { status, headers, body }: DeliveryReply,
  question: TalkQuestion,
  key: TalkKey | null,
): TalkAnswer | string {
  const found = headers[SEAL_HEADER];
  if (found === undefined) {
    const said = status === 200 ? '' : sentenceIn(body);
    if (said !== '') return `the collector refuses: ${said}`;
    if (status === 401 || status === 403)
      return `the collector answers ${status}: it does not know this host's token, or shuts out its certificate`;
    if (status !== 200 || key !== null) return `no collector of Holdfast answers there (status ${status}, and no seal)`;
  } else if (key !== null && !isSealed(key, 'answer', body, String(found))) {
    return "its answer is not sealed with this host's token: it is forged, or was changed on the way";
  }
  if (status !== 200) return `the collector refuses: ${sentenceIn(body) || `status ${status}`}`;
  const answer = talkAnswerIn(body);
  if (answer === null) return 'its answer is no acknowledgement: no collector of Holdfast answers there';
  if (answer.nonce !== question.nonce) return 'it answers another question: an old answer was sent again';
  if (answer.change !== question.change) return 'it acknowledges another change';
  if (answer.host !== question.host) return 'it acknowledges a change of another host';
  if (answer.filling !== question.filling) return 'its answer is not whole';
  return answer;
}

/** The sentence of a refusal by a Holdfast collector; '' if there is none. */
function sentenceIn(body: Buffer): string {
  try {
    const { confirm } = JSON.parse(body.toString('utf8')) as { confirm?: unknown };
    return typeof confirm === 'string' ? confirm.slice(0, 300) : '';
  } catch {
    return '';
  }
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
