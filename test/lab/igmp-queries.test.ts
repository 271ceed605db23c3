/** The listener to IGMP queries, against hostile packets: only whole general queries count. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { Log } from '../parts/lab/log.ts';
import { REPOSITORY } from '../parts/repository.ts';

const skip = unavailable({ perl: 'perl-base', pkill: 'procps' });

const LISTEN = `
import { hearIgmpQueries } from '${REPOSITORY}/agent/host/kernel/igmp-queries.ts';
const listening = hearIgmpQueries(['eth0', 'gone0'], ({ device, version, from }) => console.log(device, version, from));
setInterval(() => { if (listening.deaf !== null) console.log('deaf', listening.deaf, listening.mayBegin); }, 100);`;

/** Sends each packet, the checksum put in where its place is 0. */
const SEND = `
use Socket;
socket(my $s, AF_INET, SOCK_RAW, 2) or die $!;
setsockopt($s, 0, 32, inet_aton('10.9.0.1')) or die $!; # IP_MULTICAST_IF
setsockopt($s, 0, 4, pack('N', 0x94040000)) or die $! if shift; # IP_OPTIONS: router alert, as queriers send it
for my $hex (@ARGV) {
  my $packet = pack('H*', $hex);
  if (length $packet >= 4 && substr($packet, 2, 2) eq "\\0\\0") {
    my $sum = unpack('%32n*', length($packet) % 2 ? "$packet\\0" : $packet);
    $sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16;
    substr($packet, 2, 2) = pack('n', ~$sum & 0xffff);
  }
  send($s, $packet, 0, pack_sockaddr_in(0, inet_aton('224.0.0.1'))) or die $!;
}`;

const GENERAL = { v1: '1100000000000000', v2: '1164000000000000', v3: '1164000000000000027d0000' };
const HOSTILE = [
  '11', // too short
  '11640000000000', // 7 bytes
  '116400000000000002', // 9 bytes, no version's
  '1164dead00000000', // wrong checksum
  '1164ffff00000000',
  '11640000e0010203', // about one group
  '1164 0000 e001 0203 027d 0000'.replaceAll(' ', ''),
  '16000000e0010203', // a report, a leave, something of PIM's
  '17000000e0010203',
  '1400000000000000',
  'ff'.repeat(1400),
];

let host: LabHost;

before(async () => {
  if (skip) return;
  host = await LabHost.create();
  await host.sh('ip link set srv0 up; ip addr add 10.9.0.1/24 dev srv0', { where: 'server' });
  await host.sh('ip link set eth0 up; ip addr add 10.9.0.2/24 dev eth0');
});
after(() => host?.close());

test('IGMP queries: only whole general queries count, and their versions are told apart', { skip }, async () => {
  const heard = new Log(host.spawn([process.execPath, '--input-type=module', '-e', LISTEN]).stdout!);
  const send = async (...packets: string[]) => {
    const { code, stderr } = await host.run(['perl', '-e', SEND, ...packets], { where: 'server' });
    assert.equal(code, 0, stderr);
  };
  // Wait until it listens. It reports one query a second, and not those between.
  const told = async (alert: string, version: number) => {
    const from = heard.lines.length;
    const packet = Object.values(GENERAL)[version - 1]!;
    while (!heard.lines.slice(from).includes(`eth0 ${version} 10.9.0.1`)) {
      await send(alert, packet);
      await host.sh('sleep 0.3');
    }
  };
  await told('1', 2);
  await host.sh('sleep 1.1');
  const before = heard.lines.length;
  await send('1', ...HOSTILE);
  await send('', ...HOSTILE);
  await told('', 3);
  await host.sh('sleep 1.1');
  await told('1', 1);
  assert.deepEqual(new Set(heard.lines.slice(before)), new Set(['eth0 3 10.9.0.1', 'eth0 1 10.9.0.1']));
});

test('IGMP queries: the death of a listener is reported, and a new one can start', { skip }, async () => {
  const heard = new Log(host.spawn([process.execPath, '--input-type=module', '-e', LISTEN]).stdout!);
  while (heard.count(/deaf/) === 0) await host.run(['sh', '-c', 'pkill -f "^/usr/bin/perl -e"; sleep 0.2']);
  assert.equal(heard.lines[0], 'deaf its listener ended true');
});
