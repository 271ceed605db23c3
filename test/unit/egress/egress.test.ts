/** What is made of the kernel's answers: shares against weights, what moved, and answers that nobody should believe. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IpAddress } from '../../../agent/address/accepted.ts';
import type { Gateway } from '../../../agent/egress/look.ts';
import { attribute, MESSAGE, message, uint32 } from '../../../agent/host/netlink/message-layout.ts';
import { readNeighbour } from '../../../agent/host/netlink/neighbours.ts';
import { FlowSample, matchedRoute, takesFlowLabels } from '../../../agent/host/netlink/routes/route-lookup.ts';
import { eachMessage, type NetlinkSocket, type Take } from '../../../agent/host/netlink/socket.ts';
import { FLOWS, moves, shares, unbalanced } from '../../../probes/egress/spread.ts';
import { readFiltered } from '../../../probes/egress/traps.ts';
import { accepted } from '../../parts/accepted.ts';

const signal = new AbortController().signal;

function gateway(index: number, more: Partial<Gateway> = {}): Gateway {
  const address: IpAddress = accepted(`10.88.${index}.1`);
  const own = { address, index, interface: `eth${index}`, weight: 1, carrier: true, neighbour: 'reachable' } as const;
  return { ...own, reachable: true, ...more };
}

const way = ({ index, address }: Gateway) => ({ index, gateway: address });
const ways = (...counts: [Gateway, number][]) =>
  counts.flatMap(([to, count]) => Array.from({ length: count }, () => way(to)));

test('egress: shares against the weights of those that can be reached', () => {
  const [a, b, c] = [gateway(1, { weight: 3 }), gateway(2), gateway(3, { weight: 4, reachable: false })];
  const all = shares({ gateways: [a, b, c] }, ways([a, 192], [b, 64]));
  assert.deepEqual(
    all.map(({ seen, expected }) => [seen, expected]),
    [
      [0.75, 0.75],
      [0.25, 0.25],
      [0, 0],
    ],
  );
  // If no gateway is reachable, all count the same.
  const none = { gateways: [a, b].map((one) => ({ ...one, reachable: false })) };
  assert.deepEqual(
    shares(none, ways([a, FLOWS])).map(({ expected }) => expected),
    [0.75, 0.25],
  );
});

test('egress: what chance does is no finding, and what it does not is one', () => {
  const [a, b] = [gateway(1), gateway(2)];
  const spread = (toA: number) => unbalanced(shares({ gateways: [a, b] }, ways([a, toA], [b, FLOWS - toA])));
  assert.deepEqual([128, 150, 167].map(spread), [false, false, false]);
  assert.deepEqual([169, 256, 0].map(spread), [true, true, true]);
});

test('egress: flows that had to move, those that did not, and those that have no way', () => {
  const [a, b, c] = [gateway(1), gateway(2), gateway(3)];
  const before = { gateways: [a, b, c], ways: ways([a, 2], [b, 3], [c, 1]) };
  const after = { gateways: [b, c], ways: [...ways([b, 2], [c, 1], [b, 2]), null] };
  assert.deepEqual(moves(before, after), { needed: 2, needless: 1, stranded: 1 });
  // A gateway comes. Flows to the new gateway had to move; flows between the old gateways did not.
  const come = { gateways: [a, b, c], ways: [...ways([a, 1], [b, 1], [b, 1], [b, 1], [c, 1]), null] };
  assert.deepEqual(moves({ gateways: [b, c], ways: after.ways }, come), { needed: 1, needless: 2, stranded: 0 });
  // A gateway that no longer answers counts as gone.
  const silent = { gateways: [a, { ...b, reachable: false }, c], ways: ways([a, 5], [c, 1]) };
  assert.deepEqual(moves(before, silent), { needed: 3, needless: 0, stranded: 0 });
});

/** Answers each datagram with what `answer` makes of it. */
function kernel(answer: (datagram: Buffer) => Buffer): NetlinkSocket {
  const converse = async (datagram: Buffer, take: Take) => void eachMessage(answer(datagram), take);
  return { converse } as unknown as NetlinkSocket;
}

function route(sequence: number, { length = 0, index = 2 } = {}, ...more: Buffer[]): Buffer {
  const rtmsg = Buffer.from([2, length, 0, 0, 254, 186, 0, 1, 0, 0, 0, 0]);
  return message(MESSAGE.newRoute, 0, sequence, rtmsg, attribute(4, uint32(index)), ...more);
}

const gatewayIs = (...bytes: number[]) => attribute(5, Buffer.from(bytes));
const error = (sequence: number, errno: number) => message(MESSAGE.error, 0, sequence, uint32(-errno >>> 0));
const ADDRESS = Buffer.from([198, 18, 0, 0]);

test('egress: a default route, another one, none, and a kernel that refuses', async () => {
  const ask = (answer: Buffer) =>
    matchedRoute(
      kernel(() => answer),
      'ipv4',
      accepted('198.18.0.0'),
      {},
      signal,
    );
  const found = await ask(route(0, {}, gatewayIs(10, 88, 0, 1)));
  assert.deepEqual([found?.destination, found?.protocol, found?.table, found?.hops.length], ['0.0.0.0/0', 186, 254, 1]);
  assert.equal((await ask(route(0, { length: 15 }, attribute(1, ADDRESS))))?.destination, '198.18.0.0/15');
  for (const errno of [101, 113, 22, 13]) assert.equal(await ask(error(0, errno)), null);
  await assert.rejects(ask(error(0, 1)), { code: 'EPERM' });
  await assert.rejects(ask(message(MESSAGE.done, 0, 0, uint32(0))), { code: 'EBADMSG' });
});

test('egress: each flow has its own answer, whatever order they come in, and no other is believed', async () => {
  const flows = Array.from({ length: 3 }, (_, n) => ({
    destination: ADDRESS,
    sourcePort: 1000 + n,
    destinationPort: 443,
  }));
  const sample = new FlowSample('ipv4', flows);
  const answers = [route(2, {}, gatewayIs(10, 88, 2, 1)), error(1, 101), route(0, { index: 7 })];
  assert.deepEqual(
    await sample.ways(
      kernel(() => Buffer.concat(answers)),
      signal,
    ),
    [{ index: 7, gateway: null }, null, { index: 2, gateway: '10.88.2.1' }],
  );
  // An answer without a question, one without an interface, and one whose attribute claims more bytes than there are.
  const long = route(1, {}, gatewayIs(10, 88, 1, 1));
  long.writeUInt16LE(4000, long.length - 8);
  const odd = [route(99, {}, gatewayIs(1, 2, 3, 4)), route(0, { index: 0 }), long];
  assert.deepEqual(
    await sample.ways(
      kernel(() => Buffer.concat(odd)),
      signal,
    ),
    [null, { index: 2, gateway: null }, null],
  );
  await assert.rejects(
    sample.ways(
      kernel(() => Buffer.concat([route(0), Buffer.alloc(20)])),
      signal,
    ),
    { code: 'EBADMSG' },
  );
});

test('egress: a kernel that ignores flow labels also ignores a damaged one, and no route shows nothing', async () => {
  const takes = (answer: (isDamaged: boolean) => Buffer) => {
    // The attribute of a whole label has 8 bytes, and the one of a damaged label has 5.
    const asked = (datagram: Buffer) => answer(datagram.readUInt16LE(datagram.length - 8) !== 8);
    return takesFlowLabels(kernel(asked), Buffer.alloc(16), signal);
  };
  assert.equal(await takes((isDamaged) => (isDamaged ? error(0, 34) : route(0))), true);
  assert.equal(await takes(() => route(0)), false);
  assert.equal(await takes(() => error(0, 101)), false);
});

test('egress: the preference of an advertised route, and numbers that mean none', async () => {
  const preference = async (...bytes: number[]) => {
    const answer = route(0, {}, gatewayIs(10, 88, 0, 1), attribute(20, Buffer.from(bytes)));
    return (
      await matchedRoute(
        kernel(() => answer),
        'ipv4',
        accepted('198.18.0.0'),
        {},
        signal,
      )
    )?.preference;
  };
  assert.deepEqual(await Promise.all([preference(0), preference(1), preference(3)]), ['medium', 'high', 'low']);
  assert.deepEqual(await Promise.all([preference(2), preference(), preference(1, 0)]), [null, null, null]);
});

test('a neighbour: its state, its age, and what no kernel says', () => {
  const read = (state: number, ...more: Buffer[]) => {
    const ndmsg = Buffer.alloc(12);
    ndmsg.writeUInt16LE(state, 8);
    const body = Buffer.concat([ndmsg, ...more]);
    return readNeighbour(body, 0, body.length);
  };
  const age = attribute(3, Buffer.concat([uint32(250), uint32(0), uint32(0), uint32(0)]));
  assert.deepEqual(read(2, age), { state: 'reachable', confirmed: 2500 });
  assert.deepEqual(read(4, age), { state: 'stale', confirmed: 2500 });
  assert.deepEqual(read(32, age), { state: 'failed', confirmed: null });
  assert.deepEqual(read(3, age), { state: 'none', confirmed: null });
  assert.deepEqual(read(2, attribute(3, Buffer.from([1]))), { state: 'reachable', confirmed: null });
});

test('egress: the count of filtered packets, and files that do not have it', () => {
  assert.equal(readFiltered('TcpExt: A IPReversePathFilter B\nTcpExt: 1 22 3\nIpExt: C\nIpExt: 9\n'), 22);
  assert.equal(readFiltered('TcpExt: A B\nTcpExt: 1 2\n'), null);
  assert.equal(readFiltered('TcpExt: A IPReversePathFilter\nTcpExt: 1 x\n'), null);
  assert.equal(readFiltered(''), null);
});
