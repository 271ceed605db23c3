/** What the DHCP server of a rehearsal answers, and to whom. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BootpMessage } from '../../../../agent/clients/bootp.ts';
import type { RecordedOffer } from '../../../../agent/clients/recorded-offer.ts';
import type { RecordedOffer6 } from '../../../../agent/clients/recorded-offer6.ts';
import type { Answering } from '../../../../agent/clients/stage-plan.ts';
import { answerTo } from '../../../../agent/rehearse/server/answers.ts';
import { partFromText, partToText } from '../../../../agent/rehearse/server/protocol.ts';
import { accepted } from '../../../parts/accepted.ts';
import { ADVERTISEMENT } from '../../../parts/advertisement.ts';

const ip = (text: string) => Buffer.from(text.split('.').map(Number));
const NONE = Buffer.alloc(4);
const SERVER = ip('10.0.0.1');

const offer: RecordedOffer = {
  address: accepted('10.0.0.5'),
  server: accepted('10.0.0.1'),
  routers: [accepted('10.0.0.1')],
  fields: { siaddr: ip('10.0.0.9'), sname: Buffer.alloc(64), file: Buffer.alloc(128, 'a') },
  options: new Map([
    [1, ip('255.255.255.0')],
    [6, ip('10.0.0.53')],
    [42, ip('10.0.0.42')],
    [51, Buffer.from([0, 0, 255, 255])],
    [53, Buffer.from([5])],
    [54, SERVER],
    [82, Buffer.from('relay')],
  ]),
};
const part = { offer, server: SERVER, times: { lease: 20, renew: 2, rebind: 4 } };

function ask(type: number, { ciaddr = NONE, options = [] as [number, Buffer][] } = {}): BootpMessage {
  return {
    op: 1,
    hardware: [1, 6],
    xid: 7,
    flags: 0,
    ciaddr,
    yiaddr: NONE,
    siaddr: NONE,
    chaddr: Buffer.alloc(16, 3),
    sname: Buffer.alloc(64),
    file: Buffer.alloc(128),
    options: new Map([[53, Buffer.from([type])], ...options]),
  };
}

const answer = (asked: BootpMessage, answering: Answering = 'all', toEverybody = true) =>
  answerTo(asked, { ...part, answering, toEverybody });
const typeOf = (...args: Parameters<typeof answer>) => answer(...args)?.message.options.get(53)?.[0] ?? null;
const [DISCOVER, OFFER, REQUEST, ACK, NAK, RELEASE, INFORM] = [1, 2, 3, 5, 6, 7, 8] as const;
const renewal = ask(REQUEST, { ciaddr: ip('10.0.0.5') });

test('rehearsal server: it offers the recorded address and options, with times of its own', () => {
  const { message, unicast } = answer(ask(DISCOVER))!;
  assert.deepEqual([message.op, message.xid, message.yiaddr, message.siaddr], [2, 7, ip('10.0.0.5'), ip('10.0.0.9')]);
  assert.equal(unicast, false);
  assert.deepEqual(
    [...message.options].map(([code, data]) => [code, [...data]]),
    [
      [53, [OFFER]],
      [54, [10, 0, 0, 1]],
      [51, [0, 0, 0, 20]],
      [58, [0, 0, 0, 2]],
      [59, [0, 0, 0, 4]],
      [1, [255, 255, 255, 0]],
      [6, [10, 0, 0, 53]],
      [42, [10, 0, 0, 42]],
    ],
  );
});

test('rehearsal server: it sends the options that are asked for, and the mask', () => {
  const { message } = answer(ask(DISCOVER, { options: [[55, Buffer.from([6])]] }))!;
  assert.deepEqual([...message.options.keys()], [53, 54, 51, 58, 59, 1, 6]);
});

test('rehearsal server: a renewal is acknowledged to the client’s own address', () => {
  assert.equal(typeOf(renewal, 'all', false), ACK);
  assert.equal(answer(renewal, 'all', false)!.unicast, true);
  assert.equal(typeOf(ask(REQUEST, { options: [[50, ip('10.0.0.5')]] })), ACK);
});

test('rehearsal server: another address is refused, and another server’s offer is not its own', () => {
  assert.equal(typeOf(ask(REQUEST, { options: [[50, ip('10.0.0.6')]] })), NAK);
  assert.equal(
    typeOf(
      ask(REQUEST, {
        options: [
          [50, ip('10.0.0.5')],
          [54, ip('10.0.0.2')],
        ],
      }),
    ),
    null,
  );
});

test('rehearsal server: it can hear broadcasts only, refuse, or be silent', () => {
  assert.equal(typeOf(renewal, 'broadcast', false), null);
  assert.equal(typeOf(renewal, 'broadcast', true), ACK);
  assert.equal(typeOf(renewal, 'nak', false), NAK);
  assert.equal(answer(renewal, 'nak', false)!.unicast, false);
  assert.equal(typeOf(ask(DISCOVER), 'nak'), null);
  assert.equal(typeOf(renewal, 'none'), null);
});

test('rehearsal server: an INFORM gets options and no lease; anything else gets no answer', () => {
  const { message } = answer(ask(INFORM, { ciaddr: ip('10.0.0.5') }))!;
  assert.deepEqual(message.yiaddr, NONE);
  assert.equal(message.options.has(51), false);
  assert.equal(typeOf(ask(RELEASE)), null);
  assert.equal(typeOf({ ...ask(DISCOVER), op: 2 }), null);
  assert.equal(typeOf({ ...ask(DISCOVER), options: new Map() }), null);
});

test('rehearsal server: its part passes through a line of text', () => {
  const manner = { times: part.times, answering: 'all' as const };
  const six: RecordedOffer6 = {
    address: accepted('2001:db8::5'),
    server: Buffer.from([0, 1]),
    options: new Map([[23, SERVER]]),
  };
  const four = { ...manner, offer, server: '10.0.0.1' };
  const whole = { four, six: { ...manner, offer: six, wire: 'peer0', advertisements: [ADVERTISEMENT] } };
  const routersOnly = { four: null, six: { ...whole.six, offer: null } };
  assert.deepEqual(partFromText(partToText(routersOnly)), routersOnly);
  assert.deepEqual(partFromText(partToText({ four: null, six: null })), { four: null, six: null });
  assert.deepEqual(partFromText(partToText(whole)), whole);
  assert.doesNotMatch(partToText(whole), /\n/);
  const odd = partToText({
    ...whole,
    four: { ...four, offer: { ...offer, address: '10.0.0.5; reboot' as typeof offer.address } },
  });
  assert.throws(() => partFromText(odd), /has no address/);
});
