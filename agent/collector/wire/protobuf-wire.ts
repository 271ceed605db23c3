/**
 * Protobuf's wire format, read field by field: messages, their ends and their texts
 * (https://protobuf.dev/programming-guides/encoding).
 */
import { isUtf8 } from 'node:buffer';
import protobuf from 'protobufjs/minimal.js';
import { MalformedRequest, TooMany, withoutZero } from './otlp.ts';

export type Reader = InstanceType<typeof protobuf.Reader>;

/** Wire types: the low three bits of a tag. */
export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;

/** Throws MalformedRequest if `read` throws. */
export function reading<T>(body: Buffer, read: (reader: Reader) => T): T {
  try {
    return read(protobuf.Reader.create(body) as Reader);
  } catch (error) {
    if (error instanceof MalformedRequest) throw error;
    // The reader throws plain errors for everything out of range.
    throw new MalformedRequest(`not OTLP as protobuf: ${(error as Error).message}`);
  }
}

/** Calls `each` with every field that holds bytes. A field that it does not take is skipped. */
export function messages(reader: Reader, end: number, each: (field: number) => boolean): void {
  while (reader.pos < end) {
    const tag = reader.uint32();
    if ((tag & 7) !== BYTES || !each(tag >>> 3)) reader.skipType(tag & 7, 0, tag >>> 3);
  }
  checkEnd(reader, end);
}

/** The end of the next message, whose length comes next. */
export function endOf(reader: Reader): number {
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > reader.len) throw new RangeError('a message is longer than the request');
  return end;
}

/** Throws if the last field went beyond the end of its message. */
export function checkEnd(reader: Reader, end: number): void {
  if (reader.pos !== end) throw new RangeError('a field is longer than its message');
}

/** A string; its length comes next. Throws MalformedRequest if it is not UTF-8, so that only its own part is lost. */
export function protobufText(reader: Reader): string {
  const end = endOf(reader);
  const bytes = (reader.buf as Buffer).subarray(reader.pos, end);
  reader.pos = end;
  if (!isUtf8(bytes)) throw new MalformedRequest('a text that is not UTF-8');
  return withoutZero(bytes.toString());
}

/** The result of `read`. On MalformedRequest it calls `failed`, skips to `end` and returns null. */
export function contained<T>(
  reader: Reader,
  end: number,
  read: () => T,
  failed: (error: MalformedRequest) => void,
): T | null {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof MalformedRequest) || error instanceof TooMany) throw error;
    reader.pos = end;
    failed(error);
    return null;
  }
}
