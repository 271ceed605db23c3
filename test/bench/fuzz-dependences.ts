/**
 * Bodies of `holdfast.dependences` that no agent sends: sound ones with hostile texts, odd addresses, wrong types, and
 * lists of 10,000 sources.
 */
import fc from 'fast-check';
import { TENSES } from '../../agent/depends/dependence.ts';

/** An address that is to be switched off, which hostile hosts name in every spelling. */
export const RETIRED = '10.34.56.78';

const texts = fc.constantFrom(
  ...['', '\u0000', 'a\u0007\u001b[2J', '\r\n', '\ud800', '\u202e', '__proto__', '=1+1', '<script>', 'x'.repeat(9_000)],
  ...['😀'.repeat(300), '"\\'],
);
const text = fc.oneof({ weight: 3, arbitrary: fc.string({ maxLength: 20 }) }, { weight: 1, arbitrary: texts });
const address = fc.constantFrom(
  ...[RETIRED, `::ffff:${RETIRED}`, '::FFFF:0a22:384e', '::ffff:0:10.34.56.78', '64:ff9b::10.34.56.78', 'fe80::1%eth0'],
  ...[
    '::',
    '0.0.0.0',
    '255.255.255.255',
    '010.34.56.78',
    '10.34.56.78 ',
    '10.34.56.78\u0000',
    '0x0a.34.56.78',
    '1',
    '',
  ],
  ...['٠.٠.٠.٠', `${RETIRED}:53`, 'x'.repeat(5_000), '10.34.56.78%eth0', '10.34.56.78/32'],
);
const tense = fc.oneof({ weight: 9, arbitrary: fc.constantFrom<string>(...TENSES) }, { weight: 1, arbitrary: text });
const place = { tense, source: text, reason: text };
const found = fc.record({ address, who: text, where: text, cure: text, ...place });
const lists = fc.record({
  found: fc.array(found, { maxLength: 3 }),
  unseen: fc.array(fc.record(place), { maxLength: 3 }),
});
const wrong = fc.constantFrom<unknown>(
  ...[null, true, 0, -1, 0.5, 2 ** 53, 1e308, -1e308, '', '1', [], {}, [[[[]]]], { length: 3 }, { toString: 1 }],
);
const sound = fc
  .tuple(lists, fc.constantFrom<unknown>(null, 0, 3_600, 4_294_967_295, 1e308), fc.constantFrom<unknown>(0, 1, 1e9))
  .map(([told, longestLease, cut]): Record<string, unknown> => ({ ...told, longestLease, cut }));
/** One value is of a wrong type, or one is left out. */
const spoilt = fc
  .tuple(sound, fc.constantFrom('found', 'unseen', 'longestLease', 'cut', 'toString', '__proto__'), fc.option(wrong))
  .map(([told, key, value]) => JSON.stringify({ ...told, key: value }).replace('"key":', `${JSON.stringify(key)}:`));
/** The shortest report with many sources: 10,000 are read in one piece, or not at all. */
const many = fc
  .tuple(fc.constantFrom('found', 'unseen'), fc.constantFrom(501, 10_000), fc.boolean())
  .map(([list, count, isShort]) => {
    const one = (n: number) =>
      isShort ? {} : { address: RETIRED, tense: 'now', source: `s${n}`, who: '', where: '', reason: '', cure: '' };
    const rest = { found: [], unseen: [], longestLease: null, cut: 0 };
    return JSON.stringify({ ...rest, [list]: Array.from({ length: count }, (_, n) => one(n)) });
  });
const broken = fc.constantFrom('', '{', 'null', '[]', '"x"', '['.repeat(20_000), `{"found":${'['.repeat(5_000)}`);

/** Each is text: some can be read, most are refused. */
export const hostileDependences: fc.Arbitrary<string> = fc.oneof(
  { weight: 12, arbitrary: sound.map((told) => JSON.stringify(told)) },
  { weight: 6, arbitrary: spoilt },
  { weight: 2, arbitrary: broken },
  { weight: 1, arbitrary: many },
);
