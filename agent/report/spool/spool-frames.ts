/**
 * The format of a record in a segment of the spool: length of the payload (4 bytes, little-endian), CRC-32 of the rest
 * (4), kind (1), sequence number (6), payload. A record that a killed process or a power cut left half written fails
 * one of these checks, and so does a flipped bit.
 */
import { crc32 } from 'node:zlib';

export interface Frame {
  /** `ack` means that everything up to this sequence number was delivered. It has no payload. */
  readonly kind: 'record' | 'ack';
  readonly sequence: number;
  readonly payload: Buffer;
  /** Offset of the next frame. */
  readonly end: number;
}

const HEADER = 15;
const CHECKED = 8;
const KINDS = [undefined, 'record', 'ack'] as const;

export function frame(kind: Frame['kind'], sequence: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.alloc(HEADER + payload.length);
  bytes.writeUInt32LE(payload.length, 0);
  bytes.writeUInt8(KINDS.indexOf(kind), CHECKED);
  bytes.writeUIntLE(sequence, CHECKED + 1, 6);
  bytes.set(payload, HEADER);
  bytes.writeUInt32LE(crc32(bytes.subarray(CHECKED)), 4);
  return bytes;
}

/** The frames of a segment, up to the first torn or damaged frame. Later bytes cannot be trusted. */
export function* frames(bytes: Buffer): Generator<Frame> {
  let start = 0;
  while (start + HEADER <= bytes.length) {
    const end = start + HEADER + bytes.readUInt32LE(start);
    const kind = KINDS[bytes.readUInt8(start + CHECKED)];
    if (kind === undefined || end > bytes.length) return;
    if (crc32(bytes.subarray(start + CHECKED, end)) !== bytes.readUInt32LE(start + 4)) return;
    const sequence = bytes.readUIntLE(start + CHECKED + 1, 6);
    yield { kind, sequence, payload: bytes.subarray(start + HEADER, end), end };
    start = end;
  }
}
