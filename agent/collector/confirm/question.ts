/** Reads the question of a host on trial. */
import { LARGEST_TALK, MOST_BEHIND, type TalkQuestion } from '../../confirm/wire/acknowledgement.ts';
import { Refused } from '../admission/body.ts';

const NONCE = /^[0-9a-f]{32}$/;
const CHANGE = /^[0-9a-z]{4,64}$/;
/** Characters of an id or a name of a host. */
const LONGEST_NAME = 255;

/** Throws Refused. */
export function questionIn(body: Buffer): TalkQuestion {
  const found = objectIn(body);
  const { inbound, behind, filling } = found;
  if (inbound !== null && !(Number.isInteger(inbound) && Number(inbound) > 0 && Number(inbound) < 65_536))
    throw badPart('inbound', 'null or a port');
  if (!Array.isArray(behind) || behind.length > MOST_BEHIND || !behind.every(isName))
    throw badPart('behind', `a list of at most ${MOST_BEHIND} names`);
  if (typeof filling !== 'string' || filling.length > LARGEST_TALK) throw badPart('filling', 'a text');
  return { ...aboutChange(found), inbound: inbound as number | null, behind, filling };
}

/** The part that all questions have. Throws Refused. */
export function aboutChange({ nonce, change, host }: Record<string, unknown>) {
  if (!isText(nonce, NONCE)) throw badPart('nonce', '32 hexadecimal digits');
  if (!isText(change, CHANGE)) throw badPart('change', 'a change id');
  if (!isName(host)) throw badPart('host', 'the id of a host');
  return { nonce, change, host };
}

/** Throws Refused. */
export function objectIn(body: Buffer): Record<string, unknown> {
  try {
    const found: unknown = JSON.parse(body.toString('utf8'));
    if (typeof found === 'object' && found !== null) return found as Record<string, unknown>;
  } catch {
    // It is refused below.
  }
  throw new Refused(400, 'the question is no JSON object');
}

export function isText(value: unknown, form: RegExp): value is string {
  return typeof value === 'string' && form.test(value);
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= LONGEST_NAME;
}

export function badPart(what: string, wanted: string): Refused {
  return new Refused(400, `"${what}" is not ${wanted}`);
}
