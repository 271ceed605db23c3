/** What a restart lost, and what of it may be put back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address } from '../../../agent/rehearse/network.ts';
import { lossOf, putBack } from '../../../agent/restart/loss.ts';
import { FolderHost } from '../../parts/doctor-patient.ts';
import { scratch } from '../../parts/scratch.ts';

/** Its interface has lost every address and route. `told` has the lines for `ip -batch`. */
class BareHost extends FolderHost {
  readonly told: string[] = [];

  override run(_: string, args: readonly string[], options?: Parameters<FolderHost['run']>[2]) {
    if (args.includes('-batch')) this.told.push(...String(options?.input).trim().split('\n'));
    return { status: 0, stdout: args.includes('link') ? '[{"ifname":"eth0"}]' : '[]', stderr: '', error: null };
  }
}

const address = (one: string, validFor: number | null): Address => ({
  ...{ address: one, interface: 'eth0', broadcast: null, peer: null, label: null, scope: 'global' },
  ...{ validFor, preferredFor: validFor, noPrefixRoute: false, metric: null },
});

test('loss: a permanent address of no lease is reported, and not put back', (t) => {
  const host = new BareHost(scratch(t, {}), {});
  const addresses = [address('10.0.0.9/24', null), address('10.0.1.9/24', 3600), address('192.0.2.9/32', null)];
  const networks = [{ links: [], addresses, routes: [] }];
  const loss = lossOf(host, {
    interfaces: ['eth0'],
    networks,
    leased: ['10.0.0.9'],
    resolvConf: null,
    began: Date.now(),
  });
  assert.equal(loss?.lines.length, 3);
  assert.equal(putBack(host, loss), 'another host may have 192.0.2.9/32 scope global dev eth0 by now');
  assert.deepEqual(
    host.told.map((line) => line.split(' ')[2]),
    ['10.0.0.9/24', '10.0.1.9/24'],
  );
});
