/** What the DHCPv6 server of a rehearsal answers (RFC 8415), and that hostile messages get nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Dhcp6Message,
  options6,
  readDhcp6Message,
  writeDhcp6Message,
  writeOptions6,
} from '../../../../agent/clients/dhcp6-message.ts';
import { offer6In, type RecordedOffer6 } from '../../../../agent/clients/recorded-offer6.ts';
import type { Answering } from '../../../../agent/clients/stage-plan.ts';
import { answerTo6 } from '../../../../agent/rehearse/server/answers6.ts';
import { accepted } from '../../../parts/accepted.ts';

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const ADDRESS = bytes('20010db8000000000000000000000005');
const [OURS, OTHER, CLIENT] = [bytes('0003 0001 aa'), bytes('0003 0001 bb'), bytes('0003 0001 cc')];
const NAMES = bytes('20010db8000000000000000000000053');
const offer: RecordedOffer6 = {
  address: accepted('2001:db8::5'),
  server: OURS,
  options: new Map([
    [23, NAMES],
    [31, NAMES],
  ]),
};
const times = { lease: 9, renew: 2, rebind: 4 };

const IA = { code: 3, data: bytes('01020304 00000000 00000000') };
const [SOLICIT, ADVERTISE, REQUEST, CONFIRM, RENEW, REBIND, REPLY, RELEASE, INFORM] = [1, 2, 3, 4, 5, 6, 7, 8, 11];

type Options = Dhcp6Message['options'];
const ask = (type: number, more: Options = [], client: Options = [{ code: 1, data: CLIENT }]): Dhcp6Message => ({
  type,
  xid: bytes('010203'),
  options: [...client, ...more],
});
const toUs = { code: 2, data: OURS };
const answer = (asked: Dhcp6Message, answering: Answering = 'all', given = offer) =>
  answerTo6(asked, { answering, offer: given, times });
const codes = (message: Dhcp6Message | null) => message?.options.map(({ code }) => code) ?? null;
const option = (message: Dhcp6Message | null, code: number) =>
  message?.options.find((one) => one.code === code)?.data.toString('hex');

const LEASED = `01020304 00000002 00000004 0005 0018 ${ADDRESS.toString('hex')} 00000009 00000009`.replaceAll(' ', '');

test('rehearsal server, DHCPv6: it advertises and gives the recorded address and options, with times of its own', () => {
  const advertised = answer(ask(SOLICIT!, [IA]));
  assert.deepEqual([advertised?.type, codes(advertised)], [ADVERTISE, [1, 2, 7, 3, 23, 31]]);
  for (const [type, more] of [
    [REQUEST, [toUs]],
    [RENEW, [toUs]],
    [REBIND, []],
  ] as const) {
    const given = answer(ask(type!, [IA, ...more]));
    assert.deepEqual([given?.type, option(given, 3)], [REPLY, LEASED]);
    assert.deepEqual(given?.xid, bytes('010203'));
  }
});

test('rehearsal server, DHCPv6: it sends the options that are asked for', () => {
  const list = { code: 6, data: bytes('0017 0018') };
  assert.deepEqual(codes(answer(ask(REBIND!, [IA, list]))), [1, 2, 3, 23]);
  assert.deepEqual(codes(answer(ask(INFORM!, [list], []))), [2, 23]);
});

test('rehearsal server, DHCPv6: rapid commit is answered if the recorded server offered it', () => {
  const rapid = { code: 14, data: Buffer.alloc(0) };
  assert.equal(answer(ask(SOLICIT!, [IA, rapid]))?.type, ADVERTISE);
  const quick = { ...offer, options: new Map([...offer.options, [14, Buffer.alloc(0)] as const]) };
  const given = answer(ask(SOLICIT!, [IA, rapid]), 'all', quick);
  assert.deepEqual([given?.type, codes(given)], [REPLY, [1, 2, 14, 3, 23, 31]]);
});

test('rehearsal server, DHCPv6: one address is given once, prefixes and temporary addresses are refused', () => {
  const second = { code: 3, data: bytes('05060708 00000000 00000000') };
  const prefix = { code: 25, data: bytes('09090909 00000000 00000000') };
  const temporary = { code: 4, data: bytes('08080808') };
  const given = answer(ask(REBIND!, [IA, second, prefix, temporary]));
  const found = given?.options.slice(2, 6).map(({ code, data }) => `${code} ${data.toString('hex')}`);
  assert.deepEqual(found, [
    `3 ${LEASED}`,
    '3 050607080000000000000000000d00020002',
    '25 090909090000000000000000000d00020006',
    '4 08080808000d00020002',
  ]);
});

test('rehearsal server, DHCPv6: it can hear what is for every server only, or be silent', () => {
  assert.equal(answer(ask(RENEW!, [IA, toUs]), 'broadcast'), null);
  assert.equal(answer(ask(REBIND!, [IA]), 'broadcast')?.type, REPLY);
  for (const type of [SOLICIT, CONFIRM, REBIND, INFORM]) assert.equal(answer(ask(type!, [IA]), 'none'), null);
});

test('rehearsal server, DHCPv6: a message for another server, without a client or of another kind gets nothing', () => {
  const toAnother = { code: 2, data: OTHER };
  for (const asked of [
    ask(REQUEST!, [IA, toAnother]),
    ask(REQUEST!, [IA]),
    ask(SOLICIT!, [IA, toUs]),
    ask(INFORM!, [toAnother]),
    ask(REBIND!, [IA], []),
    ask(ADVERTISE!, [IA]),
    ask(REPLY!, [IA, toUs]),
    ask(200, [IA]),
  ])
    assert.equal(answer(asked), null);
  assert.deepEqual(codes(answer(ask(RELEASE!, [toUs]))), [1, 2, 13]);
  assert.equal(option(answer(ask(CONFIRM!)), 13), '0000');
});

test('rehearsal server, DHCPv6: hostile messages are bounded', () => {
  for (const packet of ['', '01', '0c000000', '01010203 0001ffff00', '00010203'])
    assert.equal(readDhcp6Message(bytes(packet)), null, packet);
  // 5,000 associations: the answer has a few of them, and each is refused but the first.
  const flood = answer(
    ask(
      REBIND!,
      Array.from({ length: 5000 }, () => IA),
    ),
  );
  assert.equal(flood!.options.filter(({ code }) => code === 3).length, 8);
  // An association that is too short, and an odd list of options.
  const short = answer(
    ask(REBIND!, [
      { code: 3, data: bytes('0102') },
      { code: 6, data: bytes('00') },
    ]),
  );
  assert.deepEqual(codes(short), [1, 2]);
});

test('DHCPv6 messages: what is written is read again', () => {
  const message = ask(SOLICIT!, [IA]);
  assert.deepEqual(readDhcp6Message(writeDhcp6Message(message)), message);
  assert.equal(options6(writeOptions6([IA]).subarray(0, 10), 0), null);
});

test('a recorded offer of DHCPv6: the address and the options of a reply, without those of one message', () => {
  const reply = answer(ask(REQUEST!, [IA, toUs]))!;
  assert.deepEqual(offer6In(writeDhcp6Message(reply)), offer);
  assert.equal(offer6In(writeDhcp6Message({ ...reply, type: 2 })), null);
  assert.equal(offer6In(writeDhcp6Message({ ...reply, options: [] })), null);
  assert.equal(offer6In(Buffer.alloc(3)), null);
});
