/** Name servers and search domains of router advertisements, in the kernel's messages and in hostile bytes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOfAddress, ipAddress } from '../../../../agent/address/address-checks.ts';
import { AdvertisedWatch } from '../../../../agent/daemon/advertised-watch.ts';
import { readAdvertisedServers } from '../../../../agent/host/netlink/advertised-servers.ts';
import { attribute, message, uint32 } from '../../../../agent/host/netlink/message-layout.ts';

const RDNSS = 25;
const DNSSL = 31;
const ROUTER = 'fe80::1';

const bytes = (address: string) => bytesOfAddress(ipAddress(address)!);

interface Option {
  readonly type?: number;
  readonly content?: Buffer;
  /** In units of 8 bytes. */
  readonly length?: number;
  readonly lifetime?: number;
  readonly source?: Buffer;
}

function told({ type = RDNSS, content = bytes('2001:db8::53'), lifetime = 600, ...rest }: Option = {}): Buffer {
  const { length = 1 + content.length / 8, source = bytes(ROUTER) } = rest;
  const option = Buffer.concat([Buffer.from([type, length, 0, 0, 0, 0, 0, 0]), content]);
  option.writeUInt32BE(lifetime, 4);
  const header = Buffer.alloc(16);
  header[0] = 10;
  header.writeUInt16LE(option.length, 2);
  header.writeInt32LE(7, 4);
  header[8] = 134;
  return message(68, 0, 0, header, option, attribute(1, source));
}

function read(option?: Option) {
  const data = told(option);
  return readAdvertisedServers(data, 0, data.length);
}

/** Padded to whole units of 8 bytes. */
function names(...texts: string[]): Buffer {
  const labels = texts
    .flatMap((text) => [...text.split('.'), ''])
    .map((one) => `${String.fromCharCode(one.length)}${one}`);
  const whole = Buffer.from(labels.join(''), 'latin1');
  return Buffer.concat([whole, Buffer.alloc((8 - (whole.length % 8)) % 8)]);
}

test('advertised servers: RDNSS and DNSSL with their router and lifetime', () => {
  const common = { index: 7, router: ROUTER };
  assert.deepEqual(read(), { ...common, kind: 'nameservers', values: ['2001:db8::53'], lifetime: 600 });
  assert.equal(read({ lifetime: 0xffffffff })?.lifetime, null);
  const search = read({ type: DNSSL, content: names('corp.example', 'lab.example'), lifetime: 0 });
  assert.deepEqual(search, { ...common, kind: 'search', values: ['corp.example', 'lab.example'], lifetime: 0 });
  assert.equal(
    read({ content: Buffer.concat(Array.from({ length: 127 }, () => bytes('2001:db8::53'))) })?.values.length,
    8,
  );
});

test('advertised servers: a damaged option, and one with a text that is no name, is not read', () => {
  assert.equal(read({ type: 38 }), null, 'PREF64');
  assert.equal(read({ content: Buffer.alloc(0) }), null);
  assert.equal(read({ content: Buffer.alloc(24) }), null, 'an address and a half');
  for (const length of [0, 2, 4, 255]) assert.equal(read({ length }), null, `length ${length}`);
  assert.equal(read({ source: Buffer.alloc(4) }), null);
  const search = (content: Buffer) => read({ type: DNSSL, content });
  assert.equal(search(Buffer.alloc(8)), null, 'only padding');
  assert.equal(search(Buffer.from('\x07abcdef\x09', 'latin1')), null, 'a label beyond the end');
  assert.equal(search(Buffer.from('\xc0\x00\x00\x00\x00\x00\x00\x00', 'latin1')), null, 'a compressed name');
  assert.equal(search(Buffer.from('\x03a\x1b[\x02bc\x00', 'latin1')), null, 'an escape sequence');
  assert.equal(search(Buffer.from('\x07a\nbcdef', 'latin1')), null, 'without an end');
  assert.equal(search(names(Array.from({ length: 60 }, () => 'abcdefg').join('.'))), null, 'too long');
});

test('advertised servers: no cut and no changed byte makes the reader throw, and no name has odd characters', () => {
  for (const whole of [told(), told({ type: DNSSL, content: names('corp.example', 'lab.example') })]) {
    for (let end = 16; end < whole.length; end++) readAdvertisedServers(whole.subarray(0, end), 0, end);
    for (let at = 4; at < whole.length; at++) {
      for (let value = 0; value < 256; value++) {
        const data = Buffer.from(whole);
        data[at] = value;
        const values = readAdvertisedServers(data, 0, data.length)?.values ?? [];
        for (const one of values) assert.match(one, /^[a-z0-9_.:-]+$/i);
      }
    }
  }
});

test('advertised servers: the daemon keeps the last of each router, at most 64, until its lifetime ends', (t) => {
  const watch = new AdvertisedWatch();
  const hear = (option: Option) => watch.take(read(option)!);
  const values = () => watch.heard().map(({ values }) => String(values));
  hear({});
  hear({ content: bytes('2001:db8::54') });
  assert.deepEqual(values(), ['2001:db8::54']);
  hear({ type: DNSSL, content: names('corp.example'), lifetime: 0xffffffff });
  assert.deepEqual(watch.heard().at(-1)?.until, null);
  hear({ lifetime: 0 });
  assert.deepEqual(values(), ['corp.example']);
  hear({ lifetime: 600 });
  const now = performance.now();
  t.mock.method(performance, 'now', () => now + 601_000);
  assert.deepEqual(values(), ['corp.example']);
  for (let n = 1; n <= 100; n++) hear({ source: Buffer.concat([bytes(ROUTER).subarray(0, 12), uint32(n)]) });
  assert.equal(watch.heard().length, 64);
  watch.close();
});
