/** The question to the DHCP server before a restart: only the name of an interface gets into its dhclient.conf. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseClient } from '../../../agent/clients/dhclient/running.ts';
import { Host } from '../../../agent/host/host.ts';
import { askDhcpServer } from '../../../agent/restart/ask-server.ts';
import { scratch } from '../../parts/scratch.ts';

test('restart: a dhclient on a text that is no interface is not asked about', async (t) => {
  const host = new Host({ root: scratch(t, {}) });
  for (const iface of ['eth0" { } script "/tmp/x"; interface "eth1', '../eth0', '']) {
    const client = parseClient({ pid: 1, started: 0, sinceBoot: 0, arguments: ['dhclient', iface] });
    const command = { executable: '/sbin/dhclient', arguments: [iface], folder: '/', environment: {} };
    const settings = { umask: '022', oomScoreAdjust: '0', openFiles: null, cgroups: [] };
    await assert.rejects(askDhcpServer(host, client, { ...command, ...settings }, iface), /is not an interface name/);
  }
  assert.deepEqual(host.list('/'), [], 'nothing was written');
});
