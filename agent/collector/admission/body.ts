/** Reads and unpacks the body of a request, up to a limit. */
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, gunzipSync } from 'node:zlib';
import { Shares } from './shares.ts';

/** Bytes, packed and unpacked. */
const LONGEST = 16 * 1024 * 1024;
/** Bytes of all bodies that are received or unpacked at one time, and the bytes among them of one sender. */
const MOST_AT_ONCE = 256 * 1024 * 1024;
const MOST_OF_SENDER = 96 * 1024 * 1024;
/** Smaller packed bodies are unpacked in this thread, because another thread would cost more. */
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
/** The bodies of each sender, the oldest first. */
const underWay = new Map<string, Set<Arriving>>();

/** A body that is being received or unpacked. */
class Arriving {
  readonly #request: IncomingMessage;
  readonly #sender: string;
  #length = 0;

  constructor(request: IncomingMessage, sender: string) {
    this.#request = request;
    this.#sender = sender;
    underWay.set(sender, (underWay.get(sender) ?? new Set()).add(this));
  }

  /**
   * Throws Refused if the bodies are too large. If all senders together exceed the limit, the sender with the most
   * gives way.
   */
  grow(length: number): void {
    this.#length += length;
    atOnce.add(this.#sender, length);
    if (this.#length > LONGEST) throw tooLong();
    if (atOnce.of(this.#sender) > MOST_OF_SENDER) throw tooMany();
    while (atOnce.total > MOST_AT_ONCE) {
      const [largest] = atOnce.ranked(1);
      if (largest === undefined || largest === this.#sender) throw tooMany();
      const [first] = underWay.get(largest)!;
      first!.#request.destroy(tooMany());
      first!.end();
    }
  }

  end(): void {
    atOnce.add(this.#sender, -this.#length);
    this.#length = 0;
    const own = underWay.get(this.#sender);
    own?.delete(this);
    if (own?.size === 0) underWay.delete(this.#sender);
  }
}

/**
 * Reads the whole body and returns it unpacked. Throws Refused: 413, 415, 400, or 503 if too many bodies are being
 * read.
 */
export async function withBody<T>(
  request: IncomingMessage,
  sender: string,
  use: (body: Buffer) => T | Promise<T>,
): Promise<T> {
  const packs = isPacked(request.headers['content-encoding'] ?? '');
  if (Number(request.headers['content-length'] ?? 0) > LONGEST) throw tooLong();
  const chunks: Buffer[] = [];
  const arriving = new Arriving(request, sender);
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      arriving.grow(chunk.length);
      chunks.push(chunk);
    }
    const [first = Buffer.alloc(0)] = chunks;
    const packed = chunks.length > 1 ? Buffer.concat(chunks) : first;
    return await use(packs ? await unpack(packed) : packed);
  } finally {
    arriving.end();
  }
}

/**
 * Whether the body is gzip. Names ignore case, and `x-gzip` means `gzip` (RFC 9110, 8.4.1). Throws Refused for other
 * codings.
 */
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

function tooMany(): Refused {
  return new Refused(503, 'too many requests at once');
}
