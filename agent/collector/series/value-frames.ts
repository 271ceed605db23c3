/**
 * The format of stored heartbeats. A chunk is a run of frames. A frame is a time and the values that changed since the
 * previous frame. The first frame of a chunk has all values, so a chunk can be read without any other.
 *
 *     frame  = signed(milliseconds since the frame before, or since the epoch) varint(number of changes) change…
 *     change = varint(series × 4 + kind), then: INTEGER signed(value) · DOUBLE 8 bytes little-endian · GONE nothing
 */
const INTEGER = 0;
const DOUBLE = 1;
const GONE = 2;

/** Series and their values, side by side. NaN means that the series is gone. */
export interface Values {
  readonly series: readonly number[];
  readonly values: readonly number[];
}

/** A growing buffer with varints as in protobuf, up to 2⁵³. */
export class Bytes {
  #bytes: Buffer;
  #length = 0;

  constructor(size = 256) {
    this.#bytes = Buffer.allocUnsafeSlow(size);
  }

  get length(): number {
    return this.#length;
  }

  /** The bytes, valid until the next write. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  varint(value: number): void {
    this.#room(8);
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  signed(value: number): void {
    this.varint(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  double(value: number): void {
    this.#room(8);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
  }

  append(bytes: Buffer): void {
    this.#room(bytes.length);
    this.#length += bytes.copy(this.#bytes, this.#length);
  }

  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#length + more));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

export class BytesReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes.readUInt8(this.#at++);
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  signed(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  double(): number {
    this.#at += 8;
    return this.#bytes.readDoubleLE(this.#at - 8);
  }

  /** Throws RangeError if there are fewer bytes. */
  take(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) throw new RangeError('it ends in the middle');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

export function writeFrame(out: Bytes, sinceLast: number, { series, values }: Values): void {
  out.signed(sinceLast);
  out.varint(series.length);
  for (let index = 0; index < series.length; index += 1) {
    const id = series[index]! * 4;
    const value = values[index]!;
    if (Number.isNaN(value)) out.varint(id + GONE);
    else if (Number.isSafeInteger(value) && Math.abs(value) < 2 ** 51) {
      out.varint(id + INTEGER);
      out.signed(value);
    } else {
      out.varint(id + DOUBLE);
      out.double(value);
    }
  }
}

/** Calls `each` with the time and the changes of every frame in a chunk. */
export function readFrames(chunk: Uint8Array, each: (time: number, changes: Values) => void): void {
  const reader = new BytesReader(chunk);
  let time = 0;
  while (!reader.done) {
    time += reader.signed();
    const series: number[] = [];
    const values: number[] = [];
    for (let left = reader.varint(); left > 0; left -= 1) {
      const tag = reader.varint();
      series.push(Math.floor(tag / 4));
      const kind = tag % 4;
      values.push(kind === INTEGER ? reader.signed() : kind === DOUBLE ? reader.double() : Number.NaN);
    }
    each(time, { series, values });
  }
}
