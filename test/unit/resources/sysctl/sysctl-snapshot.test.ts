/** An undo gives sysctls their former values, and keeps a value that another program has written since. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Originals } from '../../../../agent/hold/originals/originals.ts';
import { Host } from '../../../../agent/host/host.ts';
import { putBackSysctls, sysctlSnapshot } from '../../../../agent/resources/sysctl/snapshot.ts';
import { scratch } from '../../../parts/scratch.ts';

const KEY = 'net/ipv4/conf/eth1/rp_filter';
const WANTED = [{ key: KEY, path: KEY, want: { value: '1' }, optional: false }];

class KernelHost extends Host {
  value = '0';
  override sysctl(path: string): string | null {
    return path === KEY ? this.value : null;
  }
  override writeSysctl(_path: string, value: string): void {
    this.value = value;
  }

  /** As `apply` does: the record for revert, and the write. */
  change(): unknown {
    const snapshot = sysctlSnapshot(this, WANTED);
    new Originals(this).rememberValue(KEY, this.value, '1');
    this.value = '1';
    return snapshot;
  }
}

test('sysctl snapshot: the value that the change wrote goes back', (t) => {
  const host = new KernelHost({ root: scratch(t) });
  const snapshot = host.change();
  assert.equal(putBackSysctls(host, snapshot, true), null);
  assert.equal(host.value, '0');
  assert.equal(new Originals(host).find('sysctl', KEY), null);
});

test('sysctl snapshot: a value that another program has written since stays, and is told', (t) => {
  const host = new KernelHost({ root: scratch(t) });
  const snapshot = host.change();
  host.value = '2';
  assert.match(putBackSysctls(host, snapshot, true)!, /eth1.rp_filter stays, because another program has written it/);
  assert.equal(host.value, '2');
});

test('sysctl snapshot: after a boot the former value is written, whatever the boot made of it', (t) => {
  const host = new KernelHost({ root: scratch(t) });
  const snapshot = host.change();
  host.value = '2';
  assert.equal(putBackSysctls(host, snapshot, false), null);
  assert.equal(host.value, '0');
});

test('sysctl snapshot: of two snapshots the last is put back first, and the first has the original', (t) => {
  const host = new KernelHost({ root: scratch(t) });
  const first = host.change();
  host.value = '2';
  const second = host.change();
  assert.equal(putBackSysctls(host, second, true), null);
  assert.equal(putBackSysctls(host, first, true), null);
  assert.equal(host.value, '0');
});
