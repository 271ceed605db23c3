/** One Metric of opentelemetry-proto's metrics.proto. Gauges and cumulative sums are kept; other kinds are counted. */
import {
  DROP_REASONS,
  type MalformedRequest,
  milliseconds,
  type OtlpPoint,
  type RequestTally,
  type SeriesIndex,
} from './otlp.ts';
import { AttributesReader } from './protobuf-attributes.ts';
import {
  BYTES,
  checkEnd,
  contained,
  endOf,
  FIXED64,
  messages,
  protobufText,
  type Reader,
  VARINT,
} from './protobuf-wire.ts';

/** Fields of Metric. */
const GAUGE = 5;
const SUM = 7;
const HISTOGRAMS: readonly number[] = [9, 10, 11];
/** AggregationTemporality. */
const DELTA = 1;
/** The flag of a point whose series has no value at this time. */
const NO_RECORDED_VALUE = 1;

/** Adds the points of the next metric, whose length comes next. The tally counts points that cannot be kept. */
export function readMetric(reader: Reader, series: SeriesIndex, points: OtlpPoint[], tally: RequestTally): void {
  const end = endOf(reader);
  let name = '';
  let unit = '';
  let bad: MalformedRequest | null = null;
  const data: { field: number; at: number }[] = [];
  while (reader.pos < end) {
    const tag = reader.uint32();
    const field = tag >>> 3;
    if ((tag & 7) !== BYTES) reader.skipType(tag & 7, 0, field);
    else if (field === 1 || field === 3) {
      const read = contained(
        reader,
        endOfNext(reader),
        () => protobufText(reader),
        (error) => {
          bad = error;
        },
      );
      if (field === 1) name = read ?? '';
      else unit = read ?? '';
    } else if (field === GAUGE || field === SUM || HISTOGRAMS.includes(field)) {
      tally.met('points');
      data.push({ field, at: reader.pos });
      reader.pos = endOf(reader);
    } else reader.skipType(BYTES, 0, field);
  }
  checkEnd(reader, end);
  if (data.length === 0) {
    tally.met('points');
    tally.reject(DROP_REASONS.unknown);
  }
  for (const { field, at } of data) {
    reader.pos = at;
    const why = HISTOGRAMS.includes(field)
      ? DROP_REASONS.histogram
      : name === ''
        ? DROP_REASONS.unnamed
        : temporality(reader, field);
    reader.pos = at;
    // Field 1 is a data point in every kind of metric.
    messages(reader, endOf(reader), (inData) => {
      if (inData !== 1) return false;
      tally.met('points');
      if (bad !== null) tally.unreadable(bad);
      else if (why !== null) tally.reject(why);
      else return readPoint(reader, series, { name, unit }, points, tally);
      reader.skipType(BYTES, 0, inData);
      return true;
    });
  }
  reader.pos = end;
}

/** Why a gauge or sum is not kept; null if it is kept. The message's length comes next. */
function temporality(reader: Reader, field: number): string | null {
  if (field !== SUM) return null;
  const end = endOf(reader);
  let found = 0;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === ((2 << 3) | VARINT)) found = reader.uint32();
    else reader.skipType(tag & 7, 0, tag >>> 3);
  }
  checkEnd(reader, end);
  return found === DELTA ? DROP_REASONS.delta : null;
}

/** The end of the next message, whose length comes next. Does not read on. */
function endOfNext(reader: Reader): number {
  const at = reader.pos;
  const end = endOf(reader);
  reader.pos = at;
  return end;
}

function readPoint(
  reader: Reader,
  index: SeriesIndex,
  { name, unit }: { name: string; unit: string },
  points: OtlpPoint[],
  tally: RequestTally,
): true {
  const end = endOf(reader);
  const bytes = reader.buf as Buffer;
  let start = 0;
  let time = 0;
  let value = Number.NaN;
  let flags = 0;
  let key = '';
  const attributes: number[] = [];
  while (reader.pos < end) {
    const at = reader.pos;
    const tag = reader.uint32();
    const field = tag >>> 3;
    const wire = tag & 7;
    if (field === 7 && wire === BYTES) {
      attributes.push(reader.pos);
      reader.pos = endOf(reader);
      key += bytes.toString('latin1', at, reader.pos);
    } else if (field === 2 && wire === FIXED64) start = milliseconds(reader.fixed32(), reader.fixed32());
    else if (field === 3 && wire === FIXED64) time = milliseconds(reader.fixed32(), reader.fixed32());
    else if (field === 4 && wire === FIXED64) value = reader.double();
    else if (field === 6 && wire === FIXED64) value = reader.fixed32() + reader.sfixed32() * 4_294_967_296;
    else if (field === 8 && wire === VARINT) flags = reader.uint32();
    else reader.skipType(wire, 0, field);
  }
  checkEnd(reader, end);
  if (!Number.isFinite(value) || (flags & NO_RECORDED_VALUE) !== 0) {
    tally.reject(DROP_REASONS.value);
    return true;
  }
  const read = () => {
    const all = new AttributesReader();
    for (const at of attributes) {
      reader.pos = at;
      all.add(reader);
    }
    return all.all;
  };
  let unreadable = false;
  const series = contained(
    reader,
    end,
    () => index.find(name, unit, key, read),
    (error) => {
      unreadable = true;
      tally.unreadable(error);
    },
  );
  reader.pos = end;
  if (series !== null) {
    points.push({ series, start, time, value });
    tally.kept();
  } else if (!unreadable) tally.reject(DROP_REASONS.series);
  return true;
}
