/**
 * Asks the collector a sealed question, by a new connection each time. Believes only an answer to this very question, by
 * a Holdfast collector that knows this host's token.
 */
import { randomBytes } from 'node:crypto';
import { isPlainAndRemote } from '../../config/notation/endpoint.ts';
import { errorCode, errorMessage } from '../../host/errors.ts';
import { monotonicNow } from '../../host/steady-clock.ts';
import type { CredentialNames, Credentials } from '../../report/delivery/credentials.ts';
import { Client, type DeliveryReply } from '../../report/delivery/http-client.ts';
import {
  authorization,
  isSealed,
  keyOfToken,
  LARGEST_TALK,
  SEAL_HEADER,
  type TalkKey,
  type TalkSeals,
} from '../wire/acknowledgement.ts';
import { type Hearing, silent } from './confirm-witness.ts';

export interface TalkOptions {
  readonly endpoint: string;
  readonly names: CredentialNames;
  readonly credentials: Credentials;
  /** `host.id` of the heartbeats. */
  readonly hostId: string;
}

/** The part of every question that its answer repeats. */
export interface AboutChange {
  readonly nonce: string;
  readonly change: string;
  readonly host: string;
}

/** One kind of question, and its answer. */
export interface TalkSubject<Asked, Answer extends AboutChange> {
  readonly path: string;
  readonly seals: TalkSeals;
  /** null if the body is no answer of this kind. */
  readonly read: (body: Buffer) => Answer | null;
  /** Why the answer is to another question; null if it is to this one. */
  readonly differs: (answer: Answer, asked: Asked) => string | null;
}

/** `answer` is null unless the collector answered; `heard` then says why. */
export interface SealedReply<Answer> {
  readonly answer: Answer | null;
  readonly heard: Hearing;
  /** When the question was sent, by monotonicNow(). */
  readonly asked: number;
}

/** Asks at these addresses of the collector, the first that accepts a connection. Never throws. */
export async function sealedTalk<Asked extends { readonly change: string }, Answer extends AboutChange>(
  subject: TalkSubject<Asked, Answer>,
  { endpoint, names, credentials, hostId }: TalkOptions,
  asked: Asked,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<SealedReply<Answer>> {
  const at = monotonicNow();
  const none = (heard: Hearing): SealedReply<Answer> => ({ answer: null, heard, asked: at });
  try {
    const { token } = credentials.read(names);
    const key = token === null ? null : keyOfToken(token);
    if (key === null && isPlainAndRemote(endpoint)) return none(silent(UNPROVABLE));
    const question = { nonce: randomBytes(16).toString('hex'), host: hostId, ...asked };
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
        ...(key === null ? {} : { authorization: authorization(key, body, subject.seals.asks) }),
      };
      const { path } = subject;
      const reply = await client.send({ method: 'POST', path, body, headers, largest: LARGEST_TALK }, signal);
      const believed = believe(subject, reply, question, key);
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

/** The answer, or why it is none. */
function believe<Asked, Answer extends AboutChange>(
  { seals, read, differs }: TalkSubject<Asked, Answer>,
  { status, headers, body }: DeliveryReply,
  question: Asked & AboutChange,
  key: TalkKey | null,
): Answer | string {
  const found = headers[SEAL_HEADER];
  if (found === undefined) {
    const said = status === 200 ? '' : sentenceIn(body);
    if (said !== '') return `the collector refuses: ${said}`;
    if (status === 401 || status === 403)
      return `the collector answers ${status}: it does not know this host's token, or shuts out its certificate`;
    if (status !== 200 || key !== null) return `no collector of Holdfast answers there (status ${status}, and no seal)`;
  } else if (key !== null && !isSealed(key, seals.answers, body, String(found))) {
    return "its answer is not sealed with this host's token: it is forged, or was changed on the way";
  }
  if (status !== 200) return `the collector refuses: ${sentenceIn(body) || `status ${status}`}`;
  const answer = read(body);
  if (answer === null) return 'its answer is no acknowledgement: no collector of Holdfast answers there';
  if (answer.nonce !== question.nonce) return 'it answers another question: an old answer was sent again';
  if (answer.change !== question.change) return 'it acknowledges another change';
  if (answer.host !== question.host) return 'it acknowledges a change of another host';
  return differs(answer, question) ?? answer;
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
