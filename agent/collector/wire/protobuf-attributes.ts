/** Attributes as protobuf: KeyValue and AnyValue of opentelemetry-proto's common.proto. */
import { cut, LIMITS, MalformedRequest } from './otlp.ts';
import { BYTES, checkEnd, endOf, FIXED64, messages, protobufText, type Reader, VARINT } from './protobuf-wire.ts';

/** The attributes of one message, in their order. */
export class AttributesReader {
  readonly all: Record<string, string | number | boolean> = Object.create(null);
  #count = 0;

  /** Reads one KeyValue; its length comes next. */
  add(reader: Reader): true {
    this.#count += 1;
    if (this.#count > LIMITS.attributes) throw new MalformedRequest(`more than ${LIMITS.attributes} attributes`);
    const { key, value } = keyValue(reader, 0);
    this.all[cut(key, LIMITS.attributeKey)] = typeof value === 'object' ? nested(value) : clipped(value);
    return true;
  }
}

type Value = string | number | boolean | Value[] | { [key: string]: Value };

function keyValue(reader: Reader, depth: number): { key: string; value: Value } {
  const end = endOf(reader);
  let key = '';
  let value: Value = '';
  messages(reader, end, (field) => {
    if (field === 1) key = protobufText(reader);
    else if (field === 2) value = readValue(reader, depth);
    else return false;
    return true;
  });
  return { key, value };
}

/** Reads an AnyValue; its length comes next. An outermost list or map (`depth` 0) becomes JSON. */
export function readValue(reader: Reader, depth: number): Value {
  if (depth > LIMITS.depth) throw new MalformedRequest(`values nested more than ${LIMITS.depth} deep`);
  const end = endOf(reader);
  let value: Value = '';
  while (reader.pos < end) {
    const tag = reader.uint32();
    const field = tag >>> 3;
    const wire = tag & 7;
    if (field === 1 && wire === BYTES) value = protobufText(reader);
    else if (field === 2 && wire === VARINT) value = reader.bool();
    else if (field === 3 && wire === VARINT) value = Number(reader.int64());
    else if (field === 4 && wire === FIXED64) value = reader.double();
    else if (field === 5 && wire === BYTES) value = readList(reader, depth);
    else if (field === 6 && wire === BYTES) value = readMap(reader, depth);
    else if (field === 7 && wire === BYTES) value = Buffer.from(reader.bytes()).toString('base64');
    else reader.skipType(wire, 0, field);
  }
  checkEnd(reader, end);
  return typeof value === 'object' && depth === 0 ? nested(value) : value;
}

function readList(reader: Reader, depth: number): Value[] {
  const list: Value[] = [];
  messages(reader, endOf(reader), (field) => field === 1 && list.push(readValue(reader, depth + 1)) > 0);
  return list;
}

function readMap(reader: Reader, depth: number): { [key: string]: Value } {
  const map: { [key: string]: Value } = Object.create(null);
  messages(reader, endOf(reader), (field) => {
    if (field !== 1) return false;
    const { key, value } = keyValue(reader, depth + 1);
    map[key] = value;
    return true;
  });
  return map;
}

/** Lists and maps as JSON. */
function nested(value: object): string {
  return cut(JSON.stringify(value), LIMITS.attributeValue);
}

/** Writes a number that JSON cannot express as a text. */
function clipped(value: string | number | boolean): string | number | boolean {
  if (typeof value === 'string') return cut(value, LIMITS.attributeValue);
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}
