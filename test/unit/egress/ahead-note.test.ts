/** The note of BGP's silent gateways: a damaged entry is never asked, and holds nothing ahead. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { IpAddress } from '../../../agent/address/accepted.ts';
import { aheadNote, noteAhead } from '../../../agent/egress/note.ts';
import { Host } from '../../../agent/host/host.ts';
import { accepted } from '../../parts/accepted.ts';
import { scratch } from '../../parts/scratch.ts';

function noted(t: TestContext, text: string) {
  return aheadNote(new Host({ root: scratch(t, { 'run/holdfast/egress': text }) }));
}

test('ahead note: it reads as it was written', (t) => {
  const host = new Host({ root: scratch(t, {}) });
  const gateways = [
    { gateway: accepted<IpAddress>('10.88.0.1'), index: 3 },
    { gateway: accepted<IpAddress>('fe80::1'), index: 4 },
  ];
  noteAhead(host, gateways, 1234.5);
  assert.deepEqual(aheadNote(host), { at: 1235, gateways });
});

test('ahead note: a damaged line is passed over, and a note without a gateway is none', (t) => {
  assert.deepEqual(noted(t, 'ahead\n5\n10.88.0 3\n10.88.0.1 x\n10.88.0.1\n10.88.1.1 4\n')?.gateways, [
    { gateway: '10.88.1.1', index: 4 },
  ]);
  for (const text of ['ahead\n5\n', 'ahead\nsoon\n10.88.0.1 3\n', 'ahead\n', 'behind\n', ''])
    assert.equal(noted(t, text), null, text);
});
