/** The kernel's tables of UDP sockets: who takes what is sent to a port. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { socketsIn, udpListeners } from '../../../../agent/host/process/port-listeners.ts';

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n';

test('port listeners: addresses of both families, without other ports and connected sockets', () => {
  const line = (local: string, remote: string, inode: number) =>
    ` 12: ${local} ${remote} 07 00000000:00000000 00:00000000 00000000   102        0 ${inode} 2 0000 0\n`;
  const table = [
    line('3500007F:0035', '00000000:0000', 1),
    line('0100007F:0036', '00000000:0000', 2),
    line('0100007F:0035', '0200000A:0035', 3),
    line('00000000000000000000000001000000:0035', '00000000000000000000000000000000:0000', 4),
  ];
  assert.deepEqual(socketsIn(HEAD + table.join(''), 53), [
    { address: '127.0.0.53', inode: 1 },
    { address: '::1', inode: 4 },
  ]);
});

test('port listeners: a socket of this process is found with its owner', async (t) => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => socket.close());
  const [found] = udpListeners(socket.address().port);
  assert.equal(found?.address, '127.0.0.1');
  assert.equal(found?.owner?.pid, process.pid);
});
