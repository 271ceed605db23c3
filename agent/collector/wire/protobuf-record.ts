/** One LogRecord of opentelemetry-proto's logs.proto. */
import { cut, LIMITS, type LogRecord, milliseconds, type RequestTally, recordOf } from './otlp.ts';
import { AttributesReader, readValue } from './protobuf-attributes.ts';
import { BYTES, checkEnd, contained, endOf, FIXED64, protobufText, type Reader, VARINT } from './protobuf-wire.ts';

/** Adds the next record, whose length comes next. The tally counts a record that cannot be kept. */
export function readLogRecord(reader: Reader, records: LogRecord[], tally: RequestTally): void {
  tally.met('records');
  const end = endOf(reader);
  const read = () => recordOf(fields(reader, end, tally), tally);
  const record = contained(reader, end, read, (error) => tally.unreadable(error));
  if (record !== null) records.push(record);
}

function fields(reader: Reader, end: number, tally: RequestTally) {
  const attributes = new AttributesReader();
  let time = 0;
  let observed = 0;
  let severity = 0;
  let body = '';
  let name = '';
  while (reader.pos < end) {
    const tag = reader.uint32();
    const field = tag >>> 3;
    const wire = tag & 7;
    if (field === 1 && wire === FIXED64) time = milliseconds(reader.fixed32(), reader.fixed32());
    else if (field === 11 && wire === FIXED64) observed = milliseconds(reader.fixed32(), reader.fixed32());
    else if (field === 2 && wire === VARINT) severity = reader.uint32();
    else if (field === 5 && wire === BYTES) body = cut(String(readValue(reader, 0)), LIMITS.longBody + 1);
    else if (field === 6 && wire === BYTES) {
      tally.met('attributes of records');
      attributes.add(reader);
    } else if (field === 12 && wire === BYTES) name = cut(protobufText(reader), LIMITS.attributeKey);
    else reader.skipType(wire, 0, field);
  }
  checkEnd(reader, end);
  return { time: time || observed, name, severity, body, attributes: attributes.all };
}
