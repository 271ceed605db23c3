/** Requests that no agent sends: OTLP of the right structure with wrong, huge and hostile values, as protobuf and as JSON, and then damaged. */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import protobuf from 'protobufjs/minimal.js';
import { DEPENDENCES } from '../../agent/collector/wire/otlp.ts';
import { METRICS } from '../../probes/metrics.ts';
import { hostileDependences } from './fuzz-dependences.ts';

export interface FuzzRequest {
  readonly path: '/v1/metrics' | '/v1/logs';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

type Scalar = string | number | boolean | Scalar[];
type Pairs = readonly (readonly [key: string, value: Scalar])[];

interface Item {
  readonly name: string;
  readonly attributes: Pairs;
  readonly time: number;
  readonly start: number;
  readonly value: number;
  /** If the record tells what a host depends on: that text. null for any other record. */
  readonly told: string | null;
  /** For a metric: gauge, sum, delta sum or histogram. For a record: its severity. */
  readonly kind: number;
}

interface Model {
  readonly logs: boolean;
  readonly resources: readonly { readonly attributes: Pairs; readonly items: readonly Item[] }[];
}

const odd = fc.constantFrom(
  ...[
    '',
    '__proto__',
    'constructor',
    'a\u0000b',
    '\ud800',
    '\udfff x',
    '😀'.repeat(70),
    'x'.repeat(300),
    'x'.repeat(9_000),
  ],
  ...['"\\\n', '\ufffe', '\u202e', '{code="x"}', 'id~2', '../..', 'é', '\ufffd'],
);
const word = fc.oneof({ weight: 4, arbitrary: fc.string({ maxLength: 12 }) }, { weight: 1, arbitrary: odd });
const number = fc.oneof(
  fc.integer({ min: -5, max: 2_000 }),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -(2 ** 63), 1e308, -0, 0.1),
  fc.double(),
);
const { scalar } = fc.letrec<{ scalar: Scalar }>((tie) => ({
  scalar: fc.oneof({ depthSize: 'small' }, word, number, fc.boolean(), fc.array(tie('scalar'), { maxLength: 3 })),
}));
const keys = ['code', 'setting', 'moment', 'state', 'network.type', 'address', 'cause', 'holdfast.record.id'];
const attributes = fc.oneof(
  { weight: 39, arbitrary: fc.array(fc.tuple(fc.oneof(fc.constantFrom(...keys), word), scalar), { maxLength: 4 }) },
  { weight: 1, arbitrary: fc.array(fc.tuple(word, scalar), { minLength: 120, maxLength: 140 }) },
);
const time = fc.oneof(
  fc.integer({ min: -60_000, max: 60_000 }).map((by) => Date.now() + by),
  fc.constantFrom(0, 1, 1e12, 4e12, 8.64e15, -5),
);
/** The honest sender of fuzz.ts, in whose name others tell what it depends on. */
export const HONEST = { name: 'honest', id: 'id-of-honest' } as const;
const host = fc.oneof(
  { weight: 6, arbitrary: fc.nat(60).map((n) => `host-${n}`) },
  { weight: 3, arbitrary: fc.uuid() },
  { weight: 1, arbitrary: odd },
);
const resource = fc
  .tuple(
    host,
    fc.constantFrom('web', 'db', 'debian', HONEST.name),
    fc.constantFrom<Scalar>(0, 1, 30, 600, -1, 'x'),
    attributes,
  )
  .map(([id, name, interval, more]): Pairs => {
    return [
      ['host.id', id],
      ['host.name', name],
      ['holdfast.report.interval', interval],
      ['holdfast.label.site', name],
      ...more,
    ];
  });
const item = fc.record<Item>({
  name: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...Object.keys(METRICS)) }, { weight: 1, arbitrary: word }),
  attributes,
  time,
  start: time,
  value: number,
  told: fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: hostileDependences }),
  kind: fc.nat(3),
});
const report = fc.record({
  logs: fc.boolean(),
  resources: fc.array(fc.record({ attributes: resource, items: fc.array(item, { maxLength: 12 }) }), { maxLength: 4 }),
});
/** Another host's name and id, and that it depends on nothing, or on what the sender likes. */
const stolen = fc.tuple(item, hostileDependences).map(([one, told]): Model => {
  const attributes: Pairs = [
    ['host.id', HONEST.id],
    ['host.name', HONEST.name],
  ];
  return { logs: true, resources: [{ attributes, items: [{ ...one, told }] }] };
});
const model: fc.Arbitrary<Model> = fc.oneof({ weight: 19, arbitrary: report }, { weight: 1, arbitrary: stolen });
const form = fc.record({
  json: fc.boolean(),
  snake: fc.boolean(),
  gzip: fc.boolean(),
  crossed: fc.nat(30).map((n) => n === 0),
  damage: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }) },
  ),
  cut: fc.nat(40).map((n) => n === 0),
});

/** One content in several forms: to draw a content costs more than to encode, damage, send and store it. */
const FORMS = 4;
const variants = fc.tuple(model, fc.array(form, { minLength: FORMS, maxLength: FORMS }));
type Form = typeof form extends fc.Arbitrary<infer T> ? T : never;

/** This many requests. The same seed makes the same requests, except for their times, which are around now. */
export function fuzzRequests(count: number, seed: number): FuzzRequest[] {
  const drawn = fc.sample(variants, { numRuns: Math.ceil(count / FORMS), seed });
  return drawn.flatMap(([content, forms]) => inForms(content, forms)).slice(0, count);
}

function inForms({ logs, resources }: Model, forms: readonly Form[]): FuzzRequest[] {
  const encoded = new Map<string, Buffer>();
  return forms.map(({ json, snake, gzip, crossed, damage, cut }) => {
    const key = `${json} ${snake}`;
    const whole = encoded.get(key) ?? (json ? asJson(logs, resources, snake) : asProtobuf(logs, resources));
    encoded.set(key, whole);
    const body = Buffer.from(cut ? whole.subarray(0, whole.length >> 1) : whole);
    for (const [at, byte] of damage) if (body.length > 0) body[at % body.length] = byte;
    return {
      path: logs !== crossed ? '/v1/logs' : '/v1/metrics',
      headers: {
        'content-type': json ? 'application/json' : 'application/x-protobuf',
        ...(gzip ? { 'content-encoding': 'gzip' } : {}),
      },
      body: new Uint8Array(gzip ? gzipSync(body, { level: 1 }) : body),
    };
  });
}

const snakes = new Map<string, string>();

function snakeCase(name: string): string {
  const known = snakes.get(name) ?? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  snakes.set(name, known);
  return known;
}

const nanoseconds = (milliseconds: number) => BigInt(Math.trunc(milliseconds)) * 1_000_000n;

function asJson(logs: boolean, resources: Model['resources'], snake: boolean): Buffer {
  const named = (name: string) => (snake ? snakeCase(name) : name);
  const value = (one: Scalar): object => {
    if (Array.isArray(one)) return { [named('arrayValue')]: { values: one.map(value) } };
    const type = typeof one === 'number' ? 'doubleValue' : typeof one === 'boolean' ? 'boolValue' : 'stringValue';
    return { [named(type)]: one };
  };
  const pairs = (all: Pairs) => all.map(([key, one]) => ({ key, value: value(one) }));
  const items = (all: readonly Item[]) =>
    all.map(({ name, attributes: own, time: at, start, value: number, told, kind }) => {
      const common = { attributes: pairs(own), [named('timeUnixNano')]: `${nanoseconds(at)}` };
      if (logs)
        return {
          ...common,
          [named('eventName')]: told === null ? name : DEPENDENCES,
          [named('severityNumber')]: kind * 6,
          body: value(told ?? number),
        };
      const point = { ...common, [named('startTimeUnixNano')]: `${nanoseconds(start)}`, [named('asDouble')]: number };
      const data = { [named('dataPoints')]: [point], [named('aggregationTemporality')]: kind };
      return { name, [kind === 0 ? 'gauge' : kind === 3 ? 'histogram' : 'sum']: data };
    });
  const scope = named(logs ? 'scopeLogs' : 'scopeMetrics');
  const list = named(logs ? 'logRecords' : 'metrics');
  const all = resources.map((one) => ({
    resource: { attributes: pairs(one.attributes) },
    [scope]: [{ [list]: items(one.items) }],
  }));
  return Buffer.from(JSON.stringify({ [named(logs ? 'resourceLogs' : 'resourceMetrics')]: all }));
}

function asProtobuf(logs: boolean, resources: Model['resources']): Buffer {
  const writer = protobuf.Writer.create();
  const message = (field: number, write: () => void) => {
    writer.uint32((field << 3) | 2).fork();
    write();
    writer.ldelim();
  };
  const fixed64 = (field: number, milliseconds: number) => {
    const bits = BigInt.asUintN(64, nanoseconds(milliseconds));
    writer
      .uint32((field << 3) | 1)
      .fixed32(Number(bits & 0xffff_ffffn))
      .fixed32(Number(bits >> 32n));
  };
  const scalarOf = (one: Scalar) => {
    if (Array.isArray(one)) {
      message(5, () => {
        for (const each of one) message(1, () => scalarOf(each));
      });
    } else if (typeof one === 'number') writer.uint32((4 << 3) | 1).double(one);
    else if (typeof one === 'boolean') writer.uint32(2 << 3).bool(one);
    else writer.uint32((1 << 3) | 2).string(one);
  };
  const pairs = (field: number, all: Pairs) => {
    for (const [key, one] of all) {
      message(field, () => {
        writer.uint32((1 << 3) | 2).string(key);
        message(2, () => scalarOf(one));
      });
    }
  };
  const record = ({ name, attributes: own, time: at, value, told, kind }: Item) => {
    fixed64(1, at);
    writer.uint32(2 << 3).uint32(kind * 6);
    message(5, () => scalarOf(told ?? value));
    pairs(6, own);
    writer.uint32((12 << 3) | 2).string(told === null ? name : DEPENDENCES);
  };
  const metric = ({ name, attributes: own, time: at, start, value, kind }: Item) => {
    writer.uint32((1 << 3) | 2).string(name);
    message([5, 7, 7, 9][kind]!, () => {
      message(1, () => {
        fixed64(2, start);
        fixed64(3, at);
        writer.uint32((4 << 3) | 1).double(value);
        pairs(7, own);
      });
      if (kind === 1 || kind === 2) writer.uint32(2 << 3).uint32(kind);
    });
  };
  for (const { attributes: own, items } of resources) {
    message(1, () => {
      message(1, () => pairs(1, own));
      message(2, () => {
        for (const each of items) message(2, () => (logs ? record(each) : metric(each)));
      });
    });
  }
  return Buffer.from(writer.finish());
}
