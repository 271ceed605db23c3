/** What hosts tell of their dependences: read as it was written, bounded, and refused whole if it is malformed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { addressValue } from '../../../../agent/collector/dependences/address-value.ts';
import { readTold, writeTold } from '../../../../agent/collector/dependences/told.ts';
import { MalformedRequest } from '../../../../agent/collector/wire/otlp.ts';
import { TENSES } from '../../../../agent/depends/dependence.ts';
import { collector, dependences, event, get, heartbeat, send } from '../../../parts/collector-wire.ts';

const FOUND = {
  address: '10.0.0.53',
  tense: 'now' as const,
  source: 'resolv.conf',
  who: 'libc',
  where: '/etc/resolv.conf:1',
  reason: 'It names the server.',
  cure: 'agent apply',
};
const whole = { found: [FOUND], unseen: [], longestLease: null, cut: 0 };

function fixed(address: ipaddr.IPv6): string {
  return address.parts.map((part) => part.toString(16).padStart(4, '0')).join(':');
}

test('addresses: every spelling of one value is the same', () => {
  const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
  fc.assert(
    fc.property(bytes, (all) => {
      const address = new ipaddr.IPv6([...all]);
      const spellings = [address.toNormalizedString(), fixed(address), address.toRFC5952String()];
      const upper = spellings.map((text) => text.toUpperCase());
      const values = [...spellings, ...upper, `${spellings[0]}%eth0`].map(addressValue);
      assert.deepEqual(new Set(values), new Set([address.toRFC5952String()]));
    }),
  );
  fc.assert(
    fc.property(fc.ipV4(), (text) => {
      const hex = fixed(ipaddr.IPv4.parse(text).toIPv4MappedAddress());
      assert.equal(addressValue(text), text);
      assert.equal(addressValue(`::ffff:${text}`), text);
      assert.equal(addressValue(hex), text);
    }),
  );
});

test('addresses: a text that is no address has no value', () => {
  for (const text of ['', '10.0.0', '010.0.0.1', '10.0.0.256', '10.0.0.1:53', '::1%', 'ns1', '::/0', '1'.repeat(99)]) {
    assert.equal(addressValue(text), null, text);
  }
});

test('dependences: stored dependences are read back unchanged', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 40 });
  const place = { tense: fc.constantFrom(...TENSES), source: text, reason: text };
  const found = fc.record({
    ...place,
    address: fc.constantFrom('10.0.0.1', '::1'),
    who: text,
    where: text,
    cure: text,
  });
  const told = fc.record({
    found: fc.array(found, { maxLength: 5 }),
    unseen: fc.array(fc.record(place), { maxLength: 5 }),
    longestLease: fc.option(fc.nat()),
    cut: fc.nat(),
  });
  fc.assert(
    fc.property(told, (one) => {
      const read = readTold(JSON.stringify(one), 7);
      const { length: _, ...again } = readTold(writeTold(read), 7);
      const { length: __, ...first } = read;
      assert.deepEqual(again, first);
    }),
  );
});

test('dependences: a malformed body is refused, whatever is wrong with it', () => {
  const wrong: unknown[] = [
    'no JSON',
    [],
    { ...whole, found: null },
    { ...whole, found: [7] },
    { ...whole, found: [{ ...FOUND, address: 'ns1' }] },
    { ...whole, found: [{ ...FOUND, tense: 'soon' }] },
    { ...whole, found: [{ ...FOUND, cure: 7 }] },
    { ...whole, found: new Array(501).fill(FOUND) },
    { ...whole, unseen: [{ tense: 'boot' }] },
    { ...whole, longestLease: -1 },
    { ...whole, longestLease: 'long' },
    { ...whole, cut: -1 },
    { ...whole, cut: undefined },
    { ...whole, more: 'x'.repeat(32_768) },
  ];
  for (const one of wrong) {
    const body = typeof one === 'string' ? one : JSON.stringify(one);
    assert.throws(() => readTold(body, 0), MalformedRequest, body.slice(0, 80));
  }
  fc.assert(
    fc.property(fc.json(), (body) => {
      try {
        readTold(body, 0);
      } catch (error) {
        assert.ok(error instanceof MalformedRequest);
      }
    }),
  );
});

test('dependences: long texts are cut', () => {
  const { found } = readTold(JSON.stringify({ ...whole, found: [{ ...FOUND, reason: '🚀'.repeat(400) }] }), 0);
  assert.ok(found[0]!.reason.length <= 500);
  assert.ok(found[0]!.reason.isWellFormed());
});

test('dependences: a body of 32 KiB arrives whole, as protobuf and as JSON; other events are cut as before', async (t) => {
  const { url } = await collector(t);
  for (const format of ['protobuf', 'json'] as const) {
    const type = format === 'json' ? 'application/json' : 'application/x-protobuf';
    const host = `host-${format}`;
    const found = Array.from({ length: 150 }, (_, n) => ({ ...FOUND, address: `10.1.0.${n}` }));
    await send(url, heartbeat({ host }, format), { type });
    const sent = await send(url, dependences(host, { found }, format), { type, signal: 'logs' });
    assert.deepEqual([sent.status, (await sent.text()).replace('{}', '')], [200, '']);
    await send(url, event(host, 'long', { body: 'x'.repeat(20_000) }, format), { type, signal: 'logs' });
    const { events } = await get(url, `/api/v1/hosts/id-of-${host}`);
    assert.equal(events.length, 1, 'dependences are no event of the list');
    assert.ok(events[0].body.length <= 8192);
  }
  const { dependents } = await get(url, '/api/v1/retire?address=10.1.0.149');
  assert.deepEqual(dependents.hosts.map(({ name }: { name: string }) => name).sort(), ['host-json', 'host-protobuf']);
});

test('dependences: a malformed record loses no other record, its sender is told why, and the host is unknown', async (t) => {
  const { url } = await collector(t);
  await send(url, heartbeat({ host: 'a' }));
  await send(url, dependences('a', { found: [FOUND] }), { signal: 'logs' });
  assert.equal((await get(url, '/api/v1/retire?address=10.0.0.53')).dependents.total, 1);
  const body = event('a', 'bad', { name: 'holdfast.dependences', body: '{"found":[]}' }, 'json');
  const refused = await send(url, body, { signal: 'logs', type: 'application/json' });
  const { partialSuccess } = (await refused.json()) as { partialSuccess: Record<string, string> };
  assert.equal(partialSuccess.rejectedLogRecords, '1');
  assert.match(partialSuccess.errorMessage ?? '', /holdfast\.dependences cannot be read/);
  await new Promise((resolve) => setTimeout(resolve, 1_100)); // an answer may be a second old
  const { verdict, unseen } = await get(url, '/api/v1/retire?address=10.0.0.53');
  assert.equal(verdict, 'unknown');
  assert.match(unseen.hosts[0].reasons.join(' '), /was refused: holdfast\.dependences/);
});
