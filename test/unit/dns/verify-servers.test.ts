/** A name server is asked directly, and believed only if it answers what is expected. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { DesiredVerify } from '../../../agent/config/desired.ts';
import { askNameServer } from '../../../agent/dns/ask.ts';
import { type DnsVerdict, misleading, unexpected, verifyServers } from '../../../agent/dns/verify.ts';
import { accepted, type Plain } from '../../parts/accepted.ts';
import { answer, dnsServer, HANG_UP, type Respond, records } from '../../parts/dns-server.ts';

const NAME = 'puppet.example.com';
/** Long, for a loaded machine; short if silence is what is to be seen. */
const LONG = 10_000;
const SHORT = 300;

function verify(parts: Plain<Partial<DesiredVerify>> = {}): DesiredVerify {
  return accepted({ name: NAME, expect: ['10.72.0.0/16'], timeout: LONG, quorum: 1, ...parts });
}

async function complaint(t: TestContext, respond: Respond, parts: Plain<Partial<DesiredVerify>> = {}) {
  const { port, asked } = await dnsServer(t, respond);
  const [verdict] = await verifyServers(['127.0.0.1'], verify(parts), { port });
  return { complaint: verdict!.complaint, asked };
}

test('dns.verify: the right address is the proof, by one packet', async (t) => {
  const seen = await complaint(t, (query) => answer(query, ['10.72.1.1']));
  assert.deepEqual(seen, { complaint: null, asked: [`udp A ${NAME}`] });
});

test('dns.verify: both families are asked for where nothing, or both, is expected', async (t) => {
  for (const expect of [null, ['10.72.0.0/16', '2001:db8::/32']]) {
    const seen = await complaint(t, (query) => answer(query, ['10.72.1.1', '2001:db8::1']), { expect });
    assert.equal(seen.complaint, null);
    assert.deepEqual(seen.asked.sort(), [`udp A ${NAME}`, `udp AAAA ${NAME}`]);
  }
  const only6 = await complaint(t, (query) => answer(query, ['2001:db8::1']), { expect: ['2001:db8::/32'] });
  assert.deepEqual(only6, { complaint: null, asked: [`udp AAAA ${NAME}`] });
});

test('dns.verify: an address of one family is enough where both are asked for', async (t) => {
  for (const rcode of [0, 5]) {
    const only4: Respond = (query) => {
      return query.questions?.[0]?.type === 'A' ? answer(query, ['10.72.1.1']) : answer(query, [], { rcode });
    };
    assert.equal((await complaint(t, only4, { expect: null })).complaint, null);
  }
});

test('dns.verify: an answer with a wrong address does not count', async (t) => {
  const lies: [Respond, string][] = [
    [(query) => answer(query, ['192.0.2.1']), '192.0.2.1, not in 10.72.0.0/16'],
    [(query) => answer(query, ['10.72.1.1', '192.0.2.1']), '192.0.2.1, not in 10.72.0.0/16'],
    [(query) => answer(query, [], { rcode: 3 }), 'NXDOMAIN'],
    [(query) => answer(query, [], { rcode: 5 }), 'REFUSED'],
    [(query) => answer(query, [], { rcode: 2 }), 'SERVFAIL'],
    [(query) => answer(query), `no address for ${NAME}`],
  ];
  for (const [respond, expected] of lies) assert.equal((await complaint(t, respond)).complaint, expected);
});

test('dns.verify: a truncated answer is asked for again by TCP; why TCP failed is said', async (t) => {
  const truncated: Respond = (query, by) =>
    by === 'udp' ? answer(query, ['192.0.2.1'], { truncated: true }) : answer(query, ['10.72.1.1']);
  const seen = await complaint(t, truncated);
  assert.deepEqual(seen, { complaint: null, asked: [`udp A ${NAME}`, `tcp A ${NAME}`, `tcp AAAA ${NAME}`] });
  const silent: Respond = (query, by) => (by === 'udp' ? truncated(query, by) : null);
  assert.equal(
    (await complaint(t, silent, { timeout: SHORT })).complaint,
    'its answer by UDP is truncated, and by TCP no answer within 0.3 s',
  );
});

test('dns.verify: a server that answers only by TCP is named, and is right with use-vc alone', async (t) => {
  const onlyTcp: Respond = (query, by) => (by === 'udp' ? null : answer(query, ['10.72.1.1']));
  assert.match((await complaint(t, onlyTcp, { timeout: 1_000 })).complaint!, /^it answers only by TCP, .* use-vc/);

  const { port, asked } = await dnsServer(t, onlyTcp);
  const [verdict] = await verifyServers(['127.0.0.1'], verify(), { port, options: ['use-vc'] });
  assert.equal(verdict!.complaint, null);
  assert.deepEqual(asked, [`tcp A ${NAME}`, `tcp AAAA ${NAME}`], 'as libc asks then');

  const noTcp = await verifyServers(['127.0.0.1'], verify(), { port: 1, options: ['use-vc'] });
  assert.equal(noTcp[0]!.complaint, 'no name server listens there by TCP');
});

test('dns.verify: with the option edns0 a server is asked as the C library then asks it', async (t) => {
  const withoutEdns: Respond = (query) =>
    query.additionals?.length ? answer(query, [], { rcode: 1 }) : answer(query, ['10.72.1.1']);
  const { port } = await dnsServer(t, withoutEdns);
  const of = async (options: string[]) =>
    (await verifyServers(['127.0.0.1'], verify(), { port, options }))[0]!.complaint;
  assert.equal(await of(['rotate']), null);
  assert.equal(await of(['edns0']), 'FORMERR');
});

test('dns.verify: an answer counts only as far as the C library takes it', async (t) => {
  const A = (name: string, data = '10.72.1.1') => ({ type: 'A', name, data, ttl: 1 }) as const;
  const alias = (name: string, data: string) => ({ type: 'CNAME', name, data, ttl: 1 }) as const;
  const none = `no address for ${NAME}`;
  const cases: [string, Parameters<typeof records>[1], string | null][] = [
    ['an alias', [alias(NAME, 'p.example.com'), A('p.example.com')], null],
    [
      'aliases, in other letters',
      [alias('PUPPET.example.com', 'p.example.com'), alias('P.example.com', 'q.example.com'), A('q.EXAMPLE.com')],
      null,
    ],
    ['an address of another name', [A('x.example.com')], none],
    ['an alias of another name', [alias('x.example.com', 'p.example.com'), A('p.example.com')], none],
    ['an alias that leads nowhere', [alias(NAME, 'p.example.com'), A('q.example.com')], none],
    ['an alias behind its address', [A('p.example.com'), alias(NAME, 'p.example.com')], none],
    ['another class', [{ ...A(NAME), class: 'CH' }], none],
    ['a wrong address of another name is passed over', [A('x.example.com', '192.0.2.1'), A(NAME)], null],
    ['a wrong address behind an alias', [alias(NAME, 'p.example.com'), A('p.example.com', '192.0.2.1')], '192.0.2.1'],
  ];
  for (const [what, answers, expected] of cases) {
    const { complaint: said } = await complaint(t, (query) => records(query, answers));
    assert.equal(said?.split(',')[0] ?? null, expected, what);
  }
  for (const [rcode, name] of ['FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED', 'YXDOMAIN'].entries()) {
    const { complaint: said } = await complaint(t, (query) => records(query, [A(NAME)], { rcode: rcode + 1 }));
    assert.equal(said, name, 'with the right address in it');
  }
});

test('dns.verify: a link-local server needs its interface', async () => {
  for (const server of ['fe80::1%nosuch0', 'fe80::1', 'febf::1%nosuch0']) {
    const [verdict] = await verifyServers([server], verify());
    assert.match(verdict!.complaint!, /no interface of that name/, server);
  }
});

test('dns.verify: once the quorum is lost, it waits for no further server', async (t) => {
  const { port } = await dnsServer(t, () => null);
  const verdicts = await verifyServers(['127.0.0.1', '127.0.0.2'], verify({ quorum: 2 }), { port });
  assert.deepEqual(
    verdicts.map(({ complaint: said }) => said),
    ['not waited for', 'no answer by UDP, and no name server listens there by TCP'],
  );
});

test('dns.verify: it names the server whose wrong answer the C library would take', () => {
  const right = (server: string) => ({ server, complaint: null, misleads: false });
  const wrong = (server: string) => ({ server, complaint: 'NXDOMAIN', misleads: true });
  const dead = (server: string) => ({ server, complaint: 'no answer', misleads: false });
  const cases: [DnsVerdict[], string[], string | null][] = [
    [[right('a'), wrong('b')], [], null],
    [[right('a'), wrong('b')], ['rotate'], 'b'],
    [[wrong('a'), right('b')], [], 'a'],
    [[dead('a'), wrong('b'), right('c')], [], 'b'],
    [[dead('a'), right('b')], ['rotate'], null],
  ];
  for (const [verdicts, options, expected] of cases) {
    assert.equal(misleading(verdicts, options)?.server ?? null, expected, JSON.stringify([verdicts, options]));
  }
});

test('dns.verify: a wrong answer misleads, a refusal does not', async (t) => {
  for (const [rcode, misleads] of [
    [0, true],
    [1, true],
    [2, false],
    [3, true],
    [4, false],
    [5, false],
    [6, true],
  ] as const) {
    const { port } = await dnsServer(t, (query) => answer(query, [], { rcode }));
    assert.equal((await verifyServers(['127.0.0.1'], verify(), { port }))[0]!.misleads, misleads, `rcode ${rcode}`);
  }
});

test('dns.verify: by TCP both questions of a look-up must be answered on one connection, as the C library asks them', async (t) => {
  const unpaired = 'it answers one of the two questions of a look-up (A and AAAA) and not the other';
  for (const second of [HANG_UP, null]) {
    const onlyFirst: Respond = (query) => (query.questions?.[0]?.type === 'A' ? answer(query, ['10.72.1.1']) : second);
    const { port } = await dnsServer(t, onlyFirst);
    const asked = verify({ timeout: second === null ? SHORT : LONG });
    const [verdict] = await verifyServers(['127.0.0.1'], asked, { port, options: ['use-vc'] });
    assert.deepEqual(verdict, { server: '127.0.0.1', complaint: `${unpaired} by TCP`, misleads: false });
    const truncated: Respond = (query, by) =>
      by === 'udp' ? answer(query, [], { truncated: true }) : onlyFirst(query, by);
    const seen = await complaint(t, truncated, { timeout: asked.timeout });
    assert.equal(seen.complaint, `its answer by UDP is truncated, and by TCP ${unpaired}`);
  }
  const { port } = await dnsServer(t, () => HANG_UP);
  const [verdict] = await verifyServers(['127.0.0.1'], verify(), { port, options: ['use-vc'] });
  assert.equal(verdict!.complaint, 'it closes the connection by TCP');
});

test('dns.verify: a server that only refers to others has not answered, and misleads nobody', async (t) => {
  const plain = (query: Parameters<Respond>[0], flags: number, additionals = 0) => {
    const bytes = answer(query);
    bytes.writeUInt16BE(flags, 2);
    // An OPT record.
    return additionals === 0
      ? bytes
      : withCount(Buffer.concat([bytes, Buffer.from('0000290400000000000000', 'hex')]), 10, 1);
  };
  const said = 'it refers to other name servers and looks nothing up itself';
  const cases: [string, Respond, string, boolean][] = [
    ['no answer, no authority, no recursion', (query) => plain(query, 0x8100), said, false],
    ['as an authority it says that there is none', (query) => plain(query, 0x8500), `no address for ${NAME}`, true],
    ['a resolver says that there is none', (query) => plain(query, 0x8180), `no address for ${NAME}`, true],
    ['with an OPT record glibc believes it', (query) => plain(query, 0x8100, 1), `no address for ${NAME}`, true],
  ];
  for (const [what, respond, expected, misleads] of cases) {
    for (const options of [[], ['use-vc']]) {
      const { port } = await dnsServer(t, respond);
      const [verdict] = await verifyServers(['127.0.0.1'], verify(), { port, options });
      assert.equal(verdict!.complaint, expected, what);
      assert.equal(verdict!.misleads, misleads, what);
    }
  }
});

test('dns.verify: addresses of a wrong length are passed over, and a record that is not whole spoils the answer', async (t) => {
  const given = (...data: string[]): Respond => {
    return (query) => {
      const record = (hex: string) =>
        Buffer.from(`c00c00010001000000010${(hex.length / 2).toString(16).padStart(3, '0')}${hex}`, 'hex');
      return withCount(Buffer.concat([answer(query), ...data.map(record)]), 6, data.length);
    };
  };
  const none = `no address for ${NAME}`;
  const cases: [string, Respond, string | null][] = [
    ['five bytes', given('0a48010100'), none],
    ['three bytes', given('0a4801'), none],
    ['eight bytes', given('0a4801010a480101'), none],
    ['five bytes, then four', given('c000020100', '0a480101'), null],
    ['four bytes, then five', given('0a480101', 'c000020100'), null],
    ['more behind the message', (query) => Buffer.concat([given('0a480101')(query, 'udp')!, Buffer.from('xyz')]), null],
    ['a damaged additional record', (query) => withCount(given('0a480101')(query, 'udp')!, 10, 1), null],
    [
      'one record less than it says',
      (query) => withCount(given('0a480101')(query, 'udp')!, 6, 2),
      'what it answers is not an answer to the question',
    ],
  ];
  for (const [what, respond, expected] of cases) assert.equal((await complaint(t, respond)).complaint, expected, what);
});

/** The same message with another number in its header. */
function withCount(message: Buffer, at: number, count: number): Buffer {
  message.writeUInt16BE(count, at);
  return message;
}

test('dns.verify: a lost packet is sent again', async (t) => {
  let lost = false;
  const { complaint: none, asked } = await complaint(
    t,
    (query) => {
      if (lost) return answer(query, ['10.72.1.1']);
      lost = true;
      return null;
    },
    { timeout: 2_000 },
  );
  assert.equal(none, null);
  // On a slow machine TCP may be asked meanwhile.
  assert.deepEqual(
    asked.filter((one) => one.startsWith('udp')),
    [`udp A ${NAME}`, `udp A ${NAME}`],
  );
});

test('dns.verify: a silent server ends the wait, and the sentence says how long it lasted', async (t) => {
  const { complaint: said } = await complaint(t, () => null, { timeout: SHORT });
  assert.equal(said, 'no answer within 0.3 s by UDP, nor by TCP');
});

test('dns.verify: a closed port, an absent host and a bad address are told apart', async () => {
  const [listens] = await verifyServers(['127.0.0.1'], verify(), { port: 1 });
  assert.equal(listens!.complaint, 'no answer by UDP, and no name server listens there by TCP');
  assert.deepEqual(await askNameServer('resolver.example', [{ name: NAME, type: 'A' }], { timeout: SHORT }), [
    { kind: 'unreachable', code: 'EINVAL' },
  ]);
});

test('dns.verify: what answers another question, or is no DNS at all, is passed over', async (t) => {
  const hostile: Respond[] = [
    () => Buffer.from('not a packet'),
    () => Buffer.alloc(0),
    () => Buffer.alloc(1000, 0xc0),
    (query) => {
      const other = answer(query, ['10.72.1.1']);
      other.writeUInt16BE((query.id! + 1) % 0x10000, 0);
      return other;
    },
    (query) => answer({ ...query, questions: [{ type: 'A', name: 'other.example' }] }, ['10.72.1.1']),
    (query) => {
      const question = answer(query, ['10.72.1.1']);
      question.writeUInt16BE(0x0100, 2); // a question, not an answer
      return question;
    },
  ];
  for (const [n, respond] of hostile.entries()) {
    const { complaint: said } = await complaint(t, respond, { timeout: SHORT });
    assert.match(said!, /no answer within|is not an answer/, `number ${n}`);
  }
});

test('dns.verify: all servers are asked at once, and each is judged by itself', async (t) => {
  const { port } = await dnsServer(t, (query) => answer(query, ['10.72.1.1']));
  const verdicts = await verifyServers(['127.0.0.1', '127.0.0.2'], verify(), { port });
  assert.deepEqual(
    verdicts.map(({ server, complaint: said }) => [server, said === null]),
    [
      ['127.0.0.1', true],
      ['127.0.0.2', false],
    ],
  );
});

test('dns.verify: the sentence names the unexpected address', () => {
  const expect = ['10.72.0.0/16', '2001:db8::/32'];
  assert.equal(unexpected(['10.72.255.255', '2001:db8::1'], verify({ expect })), null);
  assert.equal(unexpected(['10.72.0.1', '10.73.0.0'], verify({ expect })), '10.73.0.0');
  assert.equal(unexpected(['::ffff:10.72.0.1'], verify({ expect })), '::ffff:10.72.0.1');
  assert.equal(unexpected(['anything'], verify({ expect: null })), null);
});
