/** The body of a request, as long as it may be and no longer, and unpacked. */
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, gunzipSync } from 'node:zlib';
import { Shares } from './shares.ts';

/** Bytes, packed and unpacked. */
const LONGEST = 16 * 1024 * 1024;
/** Bytes of all bodies that are being received or unpacked at one time, and of those of one sender. */
const MOST_AT_ONCE = 256 * 1024 * 1024;
const MOST_OF_SENDER = 96 * 1024 * 1024;
/** Packed bodies below this are unpacked at once: a thread would cost more. */
const SHORT = 16_384;
const gunzipInThread = promisify(gunzip);

/** A request that is refused; `status` is HTTP's. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const atOnce = new Shares();

/** Reads all of it and hands it on unpacked. Throws Refused: 413, 415, 400, or 503 where too much is under way. */
export async function withBody<T>(
  request: IncomingMessage,
  sender: string,
  use: (body: Buffer) => T | Promise<T>,
): Promise<T> {
  const packs = isPacked(request.headers['content-encoding'] ?? '');
  if (Number(request.headers['content-length'] ?? 0) > LONGEST) throw tooLong();
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length;
      atOnce.add(sender, chunk.length);
      if (length > LONGEST) throw tooLong();
      if (atOnce.total > MOST_AT_ONCE || atOnce.of(sender) > MOST_OF_SENDER) {
        throw new Refused(503, 'too many requests at once');
      }
      chunks.push(chunk);
    }
    const [first = Buffer.alloc(0)] = chunks;
    const packed = chunks.length > 1 ? Buffer.concat(chunks) : first;
    return await use(packs ? await unpack(packed) : packed);
  } finally {
    atOnce.add(sender, -length);
  }
}

/** Codings are names without regard to case, `x-gzip` is `gzip` (RFC 9110, 8.4.1). Throws Refused where there is another one, or more. */
function isPacked(header: string): boolean {
  const codings = header.split(',').map((coding) => coding.trim().toLowerCase());
  const known = codings.filter((coding) => coding !== '' && coding !== 'identity');
  if (known.length === 0) return false;
  if (known.length > 1 || !['gzip', 'x-gzip'].includes(known[0]!)) {
    throw new Refused(415, `no content-encoding but gzip is known, not "${header.slice(0, 50)}"`);
  }
  return true;
}

async function unpack(packed: Buffer): Promise<Buffer> {
  const limit = { maxOutputLength: LONGEST };
  try {
    return packed.length < SHORT ? gunzipSync(packed, limit) : await gunzipInThread(packed, limit);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLong();
    throw new Refused(400, 'not gzip');
  }
}

function tooLong(): Refused {
  return new Refused(413, `longer than ${LONGEST} bytes`);
}
