/** How udhcpc is rehearsed: its command line in the foreground, and the offer that our lines of udhcpc.conf recorded. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { renderUdhcpcConf } from '../../../../agent/clients/udhcpc/conf.ts';
import { recordedByConf } from '../../../../agent/clients/udhcpc/recorded.ts';
import { udhcpcStage } from '../../../../agent/clients/udhcpc/stage.ts';
import { desired, dns } from '../../../parts/desired.ts';
import { FolderHost } from '../../../parts/doctor-patient.ts';
import { missing, scratch } from '../../../parts/scratch.ts';
import { SHELLS } from '../../../parts/shells.ts';

const RECORD = 'run/holdfast/udhcpc.eth1';
const OFFER = 'ip=10.0.0.5\nsubnet=255.255.255.0\nserverid=10.0.0.1\nrouter=10.0.0.1 10.0.0.2\ndns=10.0.0.53\n';

function staged(t: Parameters<typeof scratch>[0], line: string, files: Record<string, string> = { [RECORD]: OFFER }) {
  const root = scratch(t, { x: '#!/bin/sh\n', ...files });
  const host = new FolderHost(root, { others: { [line.split(' ')[0]!]: { 7: line.trim() } } });
  return udhcpcStage(host, { program: 'udhcpc', pid: 7, started: 0, interfaces: ['eth1'] }, 'eth1');
}

test('udhcpc stage: its own command line, in the foreground and without a record of the process', (t) => {
  for (const [line, command] of [
    ['udhcpc -b -p /run/u.pid -i eth1 -s /x -O ntpsrv', 'udhcpc -f -i eth1 -s /x -O ntpsrv'],
    ['busybox udhcpc -qfSRi eth1 -s/x -a500', 'busybox udhcpc -f -R -i eth1 -s /x -a500'],
    ['udhcpc --interface=eth1 --script /x --background --hostname=a', 'udhcpc -f -i eth1 -s /x -x a'],
    ['udhcpc -a -i eth1 -s /x -x 0x3d:01', 'udhcpc -f -a -i eth1 -s /x -x 0x3d:01'],
  ] as const)
    assert.equal(staged(t, line).command.join(' '), command);
});

test('udhcpc stage: an option that is not known, a script that is not there and a missing record are refused', (t) => {
  assert.throws(() => staged(t, 'udhcpc -i eth1 -s /x --new'), /does not know an option of its command line/);
  assert.throws(() => staged(t, 'udhcpc -i eth1 -s /x word'), /does not know an option of its command line/);
  assert.throws(() => staged(t, 'udhcpc -i eth1 -s /y'), /its script was not found/);
  assert.throws(() => staged(t, 'udhcpc -i eth1 -s /x', {}), /records no lease itself/);
});

test('udhcpc stage: a loss ends with the failed attempts, unless those take long', (t) => {
  const ends = (more: string) => staged(t, `udhcpc -i eth1 -s /x ${more}`).events.EXPIRE;
  assert.deepEqual([ends('')?.ends, ends('')?.within], [['leasefail'], 39]);
  assert.deepEqual(ends('-t 0')?.ends, ['deconfig']);
  assert.deepEqual(ends('-t 100')?.ends, ['deconfig']);
});

test('udhcpc stage: the recorded variables become the options that the server sent', (t) => {
  const text = `${OFFER}mtu=1400\nipttl=64\ndomain=a.example\nsearch=b.example c.example\nstaticroutes=0.0.0.0/0 10.0.0.9\nboot_file=pxe\n`;
  const offer = recordedByConf(new FolderHost(scratch(t, { [RECORD]: text }), {}), 'eth1')!;
  assert.deepEqual([offer.address, offer.server, offer.routers], ['10.0.0.5', '10.0.0.1', ['10.0.0.1', '10.0.0.2']]);
  assert.deepEqual(Object.fromEntries([...offer.options].map(([code, data]) => [code, data.toString('hex')])), {
    1: 'ffffff00',
    3: '0a0000010a000002',
    6: '0a000035',
    15: Buffer.from('a.example').toString('hex'),
    23: '40',
    26: '0578',
    119: Buffer.from('\x01b\x07example\0\x01c\x07example\0').toString('hex'),
    121: '000a000009',
  });
  assert.equal(offer.fields.file.subarray(0, 4).toString('latin1'), 'pxe\0');
});

test('udhcpc stage: a hostile record gives no option that it does not name, and no offer without an address', (t) => {
  const offer = (text: string) => recordedByConf(new FolderHost(scratch(t, { [RECORD]: text }), {}), 'eth1');
  assert.equal(offer('ip=10.0.0.5x\ndns=10.0.0.1\n'), null);
  const text = `ip=10.0.0.5\ndns=$(id) 1.2.3 ::1\nmtu=99999\nipttl=-1\nsearch=${'a'.repeat(64)}.example ..\nstaticroutes=10.0.0.0/99 1.1.1.1\nsname=${'x'.repeat(900)}\n`;
  assert.deepEqual([...offer(text)!.options], []);
  assert.equal(offer(text)!.fields.sname.length, 64);
});

const noNamespace = process.getuid?.() === 0 ? missing('unshare') : 'needs root';

test('udhcpc stage: the lines record what the server offered, and not what Holdfast holds, in each shell', {
  skip: noNamespace,
}, (t) => {
  const conf = renderUdhcpcConf(dns({ nameservers: ['10.0.0.1'] }), desired().dhcp)!;
  for (const shell of Object.values(SHELLS)) {
    for (const before of ['', 'set -eu', 'set -f; set -C', 'IFS=:']) {
      const given =
        "interface=eth1 ip=10.0.0.5 dns='6.6.6.6 7.7.7.7' domain='$(touch /x)' search='a\nip=1.1.1.1' router=";
      const folder = scratch(t, {
        conf,
        run: `${before}\n${given}\n. ./conf\ncommand -v holdfast_record || :\necho "$dns"\n`,
      });
      const script = `mount -t tmpfs none /etc; mount -t tmpfs none /run; cd ${folder}; ${shell} ./run bound; ${shell} ./run deconfig; cat /run/holdfast/udhcpc.eth1`;
      const flags = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
      const { stdout, stderr } = spawnSync('unshare', [...flags, 'sh', '-c', script], { encoding: 'utf8' });
      assert.equal(stderr, '');
      const record = 'ip=10.0.0.5\ndns=6.6.6.6 7.7.7.7\ndomain=$(touch /x)\n';
      assert.equal(stdout, `10.0.0.1\n6.6.6.6 7.7.7.7\n${record}`, `${shell} ${before}`);
    }
  }
});
