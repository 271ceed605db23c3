/** The judgement about a trial: every case of the rule, with the answers of its witnesses before and after the change. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Judgement, judge, type Touches, type WitnessAnswer } from '../../../agent/confirm/judgement.ts';

const VIA = 'via 10.0.0.1 dev eth0 src 10.0.0.2';
const OTHER = 'via 10.0.0.99 dev eth0 src 10.0.0.2';

function answer(witness: string, more: Partial<WitnessAnswer> = {}): WitnessAnswer {
  const kind = witness === 'collector' ? 'collector' : 'gateway';
  const places = [{ address: `10.1.0.${witness.length}`, way: VIA }];
  return { witness, kind, answered: true, reached: true, places, why: null, ...more };
}

const silent = { answered: false, reached: false, why: 'no answer' };
const refusing = { answered: false, reached: true, why: 'refused' };
const at = (address: string, way: string | null = VIA) => ({ places: [{ address, way }] });
const moved = at('10.1.0.9', OTHER);

const collector = (more = {}) => answer('collector', more);
const gateway = (more = {}) => answer('gateway', more);
const server = (more = {}) => answer('server', more);

interface Case {
  readonly says: string;
  readonly before: readonly WitnessAnswer[];
  readonly after: readonly WitnessAnswer[];
  readonly touches?: Partial<Touches>;
  readonly kind: Judgement['kind'];
  readonly reason: RegExp;
}

const CASES: Case[] = [
  {
    says: 'all answer as before',
    before: [collector(), gateway()],
    after: [collector(), gateway()],
    kind: 'confirmed',
    reason: /these answer: collector, gateway$/,
  },
  {
    says: 'all answer by another way',
    before: [collector(), gateway()],
    after: [collector(moved), gateway(at('10.9.9.9'))],
    touches: { path: true },
    kind: 'confirmed',
    reason: /these answer/,
  },
  {
    says: 'a witness that was silent before stays silent',
    before: [collector(), gateway(silent)],
    after: [collector(), gateway({ ...silent, ...moved })],
    kind: 'confirmed',
    reason: /these answer: collector$/,
  },
  {
    says: 'a witness that the operator named did not answer before, and a name has no address',
    before: [
      gateway(),
      answer('ping', { ...silent, kind: 'ping' }),
      answer('tcp', { ...silent, kind: 'tcp', places: [] }),
    ],
    after: [gateway()],
    kind: 'confirmed',
    reason: /these answer: gateway; these did not answer before, so they do not count \(ping: no answer\)$/,
  },
  {
    says: 'the collector alone is silent, and its way is as before',
    before: [collector(), gateway(), server()],
    after: [collector(silent), gateway(), server()],
    kind: 'provisional',
    reason: /^collector is lost \(no answer\); nothing that was changed explains it$/,
  },
  {
    says: 'the collector refuses connections, by another way',
    before: [collector(), gateway()],
    after: [collector({ ...refusing, ...moved }), gateway()],
    touches: { path: true },
    kind: 'provisional',
    reason: /^collector is lost \(refused\)/,
  },
  {
    says: 'the only witness refuses connections',
    before: [collector()],
    after: [collector(refusing)],
    kind: 'provisional',
    reason: /^collector is lost/,
  },
  {
    says: 'the collector is silent, and its way changed',
    before: [collector(), gateway()],
    after: [collector({ ...silent, ...moved }), gateway()],
    kind: 'put-back',
    reason:
      /^collector is lost \(no answer\), and the way to 10\.1\.0\.9 is now via 10\.0\.0\.99 .*, and was via 10\.0\.0\.1 /,
  },
  {
    says: 'the collector is silent, and no way leads there',
    before: [collector(), gateway()],
    after: [collector({ ...silent, ...at('10.1.0.9', null) }), gateway()],
    kind: 'put-back',
    reason: /the way to 10\.1\.0\.9 is now none, and was via/,
  },
  {
    says: 'the name of the collector is no longer found',
    before: [collector(), gateway()],
    after: [collector({ ...silent, places: [] }), gateway()],
    kind: 'put-back',
    reason: /its address is no longer found$/,
  },
  {
    says: 'the name of the collector leads to another host, which refuses',
    before: [collector(), gateway()],
    after: [collector({ ...refusing, ...at('10.7.7.7') }), gateway()],
    kind: 'put-back',
    reason: /its address is now 10\.7\.7\.7, and was 10\.1\.0\.9$/,
  },
  {
    says: 'the name of a dead collector leads to another host, and the change touches no names',
    before: [collector(), gateway()],
    after: [collector({ ...silent, ...at('10.7.7.7') }), gateway()],
    touches: { names: false },
    kind: 'provisional',
    reason: /^collector is lost \(no answer\); nothing that was changed explains it$/,
  },
  {
    says: 'the gateway is another one, and silent',
    before: [collector(), gateway()],
    after: [collector(), gateway({ ...silent, ...at('10.7.7.7') })],
    touches: { names: false },
    kind: 'put-back',
    reason: /its address is now 10\.7\.7\.7/,
  },
  {
    says: 'a silent collector with some of its former addresses, by the former way',
    before: [collector({ places: [at('10.1.0.8').places[0], at('10.1.0.9').places[0]] }), gateway()],
    after: [collector({ ...silent, places: [at('10.1.0.9').places[0], at('10.1.0.10', OTHER).places[0]] }), gateway()],
    kind: 'provisional',
    reason: /nothing that was changed explains it$/,
  },
  {
    says: 'a silent witness whose place is unknown',
    before: [collector(), gateway({ places: [] })],
    after: [collector(), gateway({ ...silent, places: [] })],
    kind: 'provisional',
    reason: /^gateway is lost/,
  },
  {
    says: 'a silent witness, and the change touches the path',
    before: [collector(), gateway()],
    after: [collector(silent), gateway()],
    touches: { path: true },
    kind: 'put-back',
    reason: /and the change touches what may stop packets on their way$/,
  },
  {
    says: 'a witness that refuses, and the change touches the path',
    before: [collector(), gateway()],
    after: [collector(), gateway(refusing)],
    touches: { path: true },
    kind: 'provisional',
    reason: /^gateway is lost \(refused\)/,
  },
  {
    says: 'one of two silent witnesses is to be blamed on the change',
    before: [collector(), gateway(), server()],
    after: [collector(silent), gateway({ ...silent, ...at('10.1.0.7', OTHER) }), server()],
    kind: 'put-back',
    reason: /^gateway is lost/,
  },
  {
    says: 'all former witnesses are gone, by the ways of before',
    before: [collector(), gateway()],
    after: [collector(silent), gateway(silent)],
    kind: 'put-back',
    reason: /^all 2 witnesses are gone \(collector: no answer; gateway: no answer\)$/,
  },
  {
    says: 'the only former witness is gone',
    before: [collector(silent), gateway()],
    after: [collector(silent), gateway(silent)],
    kind: 'put-back',
    reason: /^the only witness is gone/,
  },
  {
    says: 'all are lost, and one of them refuses',
    before: [collector(), gateway()],
    after: [collector(refusing), gateway(silent)],
    kind: 'provisional',
    reason: /^collector is lost \(refused\); gateway is lost \(no answer\)/,
  },
  {
    says: 'nobody answered before',
    before: [collector(silent), gateway(silent)],
    after: [collector(), gateway()],
    kind: 'provisional',
    reason: /^no witness answered before the change, so nothing could be proved \(collector: no answer; /,
  },
  {
    says: 'there is no witness',
    before: [],
    after: [],
    kind: 'provisional',
    reason: /^no witness answered before the change, so nothing could be proved$/,
  },
  {
    says: 'a former witness was not asked yet',
    before: [collector(), gateway()],
    after: [collector()],
    kind: 'undecided',
    reason: /not every witness was asked yet/,
  },
  {
    says: 'by the collector, which was silent before',
    before: [collector(silent), gateway()],
    after: [collector(), gateway()],
    kind: 'provisional',
    reason: /^the collector did not answer before the change \(collector: no answer\)/,
  },
  {
    says: 'by the collector, which is none of ours',
    before: [collector({ ...refusing, foreign: true, why: 'it is no collector of Holdfast' }), gateway()],
    after: [collector(refusing), gateway()],
    kind: 'confirmed',
    reason: /these answer: gateway; confirmed without the collector, because it is no collector of Holdfast$/,
  },
  {
    says: 'by the collector, which refused before',
    before: [collector(refusing), gateway()],
    after: [collector(refusing), gateway()],
    kind: 'provisional',
    reason: /^the collector did not answer before the change \(collector: refused\)/,
  },
  {
    says: 'by local witnesses, and the collector was silent before',
    before: [collector(silent), gateway()],
    after: [collector(silent), gateway()],
    touches: { by: 'local' },
    kind: 'confirmed',
    reason: /these answer: gateway$/,
  },
];

for (const { says, before, after, touches = {}, kind, reason } of CASES) {
  test(`judgement: ${says}: ${kind}`, () => {
    const judgement = judge(before, after, { path: false, names: true, by: 'collector', ...touches });
    assert.equal(judgement.kind, kind, judgement.reason);
    assert.match(judgement.reason, reason);
  });
}
