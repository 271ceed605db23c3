/** The body of a request, as long as it may be and no longer, and unpacked. */
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, gunzipSync } from 'node:zlib';

/** Bytes, packed and unpacked. */
const LONGEST = 16 * 1024 * 1024;
/** Bytes of all bodies that are being received or unpacked at one time. */
const MOST_AT_ONCE = 256 * 1024 * 1024;
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

let atOnce = 0;

/** Reads all of it and hands it on unpacked. Throws Refused: 413, 415, 400, or 503 where too much is under way. */
export async function withBody<T>(request: IncomingMessage, use: (body: Buffer) => T | Promise<T>): Promise<T> {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity' && encoding !== 'gzip') throw new Refused(415, `no content-encoding but gzip is known`);
  if (Number(request.headers['content-length'] ?? 0) > LONGEST) throw tooLong();
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length;
      atOnce += chunk.length;
      if (length > LONGEST) throw tooLong();
      if (atOnce > MOST_AT_ONCE) throw new Refused(503, 'too many requests at once');
      chunks.push(chunk);
    }
    const [first = Buffer.alloc(0)] = chunks;
    const packed = chunks.length > 1 ? Buffer.concat(chunks) : first;
    return await use(encoding === 'gzip' ? await unpack(packed) : packed);
  } finally {
    atOnce -= length;
  }
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
