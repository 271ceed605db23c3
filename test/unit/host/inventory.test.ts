/** The inventory of a machine: memory slots and ECC, network cards, changes, and the module behind a memory error. */
import assert from 'node:assert/strict';
import { chmodSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { InventoryWatch } from '../../../agent/daemon/schedule/inventory-watch.ts';
import {
  firmwareStrings,
  hypervisor,
  type Inventory,
  inventoryLines,
  memoryModules,
  moduleNamed,
  networkCards,
} from '../../../agent/host/hardware-inventory.ts';
import { Host } from '../../../agent/host/host.ts';
import type { Occurrence } from '../../../probes/probe.ts';
import { scratch } from '../../parts/scratch.ts';

const DMIDECODE = `Handle 0x1100, DMI type 17
Memory Device
	Total Width: 72 bits
	Data Width: 64 bits
	Size: 16 GB
	Locator: DIMM_A1
	Bank Locator: NODE 0 CHANNEL 0 DIMM 0
Handle 0x1101
Memory Device
	Size: No Module Installed
	Locator: DIMM_A2
Memory Device
	Total Width: Unknown
	Data Width: Unknown
	Size: 8 GB
	Locator: DIMM_B1
`;
const GIB = 2 ** 30;
const KNOWN = [
  { size: 16 * GIB, bank: 'NODE 0 CHANNEL 0 DIMM 0', type: 'DDR4', ecc: true },
  { size: 0, bank: '', type: 'Empty', ecc: null },
  { size: 8 * GIB, bank: '', type: 'DDR4', ecc: false },
];

test('inventory: memory modules have the slot that is printed on the board, and ECC is not guessed', () => {
  assert.deepEqual(memoryModules(KNOWN, DMIDECODE), [
    { slot: 'DIMM_A1', bank: 'NODE 0 CHANNEL 0 DIMM 0', size: 16 * GIB, type: 'DDR4', ecc: true },
    { slot: 'DIMM_B1', bank: '', size: 8 * GIB, type: 'DDR4', ecc: null },
  ]);
  assert.deepEqual(memoryModules([{ size: 16 * GIB, bank: '', type: '' }], ''), [], 'made up, without dmidecode');
});

test('inventory: the board and firmware are known by the strings that every user may read', (t) => {
  const id = (files: Record<string, string>) =>
    firmwareStrings(
      new Host({
        root: scratch(
          t,
          Object.fromEntries(Object.entries(files).map(([name, text]) => [`sys/class/dmi/id/${name}`, `${text}\n`])),
        ),
      }),
    );
  assert.deepEqual(
    id({
      sys_vendor: 'QEMU',
      product_name: 'Standard PC (Q35)',
      product_version: '-',
      bios_vendor: 'SeaBIOS',
      bios_date: '04/01/2014',
    }),
    { board: 'QEMU Standard PC (Q35)', bios: 'SeaBIOS 04/01/2014' },
  );
  assert.deepEqual(id({ board_vendor: 'Intel', board_name: 'S2600' }), { board: 'Intel S2600', bios: null });
  assert.deepEqual(id({}), { board: null, bios: null });
});

test('inventory: systemd names the hypervisor, and without systemd or on bare metal there is none', () => {
  const says = (stdout: string) =>
    hypervisor({ run: () => ({ status: stdout === 'none\n' ? 1 : 0, stdout, stderr: '', error: null }) });
  assert.equal(says('kvm\n'), 'kvm');
  assert.equal(says('systemd-nspawn\n'), 'systemd-nspawn');
  for (const none of ['none\n', '', 'Error: x\n']) assert.equal(says(none), null, none);
});

test('inventory: network cards have driver, speed and MTU, and an interface without a device is virtual', (t) => {
  const root = scratch(t, {
    'sys/class/net/eth0/mtu': '9000\n',
    'sys/class/net/eth0/speed': '10000\n',
    'sys/class/net/eth0/device/vendor': '',
    'sys/class/net/br0/mtu': '1500\n',
    'sys/class/net/br0/speed': '-1\n',
    'sys/class/net/bonding_masters': 'bond0\n',
    'sys/class/net/lo/mtu': '65536\n',
  });
  symlinkSync('../../../../bus/pci/drivers/ixgbe', join(root, 'sys/class/net/eth0/device/driver'));
  assert.deepEqual(networkCards(new Host({ root })), [
    { name: 'br0', driver: null, firmware: null, speed: null, mtu: 1500 },
    { name: 'eth0', driver: 'ixgbe', firmware: null, speed: 10_000, mtu: 9000 },
  ]);
});

const INVENTORY: Inventory = {
  board: 'Dell PowerEdge R640',
  firmware: 'Dell 2.1 2026-01-01',
  cpu: 'Intel Xeon (32 threads)',
  virtual: null,
  memory: memoryModules(KNOWN, DMIDECODE),
  network: [{ name: 'eth0', driver: 'ixgbe', firmware: '0x80', speed: 10_000, mtu: 9000 }],
};

test('inventory: `agent probe inventory` prints lines for people', () => {
  assert.deepEqual(inventoryLines(INVENTORY), {
    board: 'Dell PowerEdge R640',
    firmware: 'Dell 2.1 2026-01-01',
    cpu: 'Intel Xeon (32 threads)',
    'memory.0': 'DIMM_A1, NODE 0 CHANNEL 0 DIMM 0: 16 GiB DDR4 ECC',
    'memory.1': 'DIMM_B1: 8 GiB DDR4',
    'network.eth0': 'ixgbe, firmware 0x80, 10000 Mb/s, MTU 9000',
  });
});

test('inventory: it is sent once and after each change, and a memory error then names the module', async (t) => {
  const root = scratch(t, { 'bin/say': '' });
  const said: Occurrence[] = [];
  const look = async (inventory: unknown, status = 0) => {
    const program = join(root, 'bin/say');
    writeFileSync(program, `#!/bin/sh\ncat <<'X'\n${JSON.stringify({ inventory })}\nX\nexit ${status}\n`);
    chmodSync(program, 0o755);
    said.length = 0;
    await new InventoryWatch(new Host({ root }), ['sh', program], (event) => said.push(event)).look();
    return said.map(({ name, body }) => `${name}: ${body}`);
  };
  assert.deepEqual(await look(INVENTORY, 1), [], 'one that fails says nothing');
  assert.deepEqual(await look(INVENTORY), ['holdfast.inventory: the inventory of the machine']);
  assert.equal(said[0]?.attributes['inventory.memory.0'], 'DIMM_A1, NODE 0 CHANNEL 0 DIMM 0: 16 GiB DDR4 ECC');
  assert.deepEqual(await look(INVENTORY), []);
  const slower = { ...INVENTORY, network: [{ ...INVENTORY.network[0], speed: null, mtu: 1500 }] };
  assert.deepEqual(await look(slower), [], 'a link that is down is no other card');
  const veth = { ...INVENTORY, network: [...INVENTORY.network, { name: 'veth1', driver: null, mtu: 1500 }] };
  assert.deepEqual(await look(veth), [], 'what containers bring is not the machine');
  const fewer = { ...INVENTORY, memory: INVENTORY.memory.slice(0, 1) };
  assert.deepEqual(await look(fewer), [
    'holdfast.inventory.changed: the machine has changed: memory.1: DIMM_B1: 8 GiB DDR4 → (none)',
  ]);
  const host = new Host({ root });
  const named = (text: string) => moduleNamed(host, text);
  assert.match(named('EDAC MC0: 1 CE memory read error on DIMM_A1 (channel:0 slot:0)')!, /^DIMM_A1, NODE 0/);
  assert.match(named('EDAC MC0: 2 UE x on NODE_0_CHANNEL_0_DIMM_0 (page:0x1)')!, /^DIMM_A1/);
  for (const text of [
    'EDAC MC0: 1 CE memory read error on CPU_SrcID#0_MC#0_Chan#1_DIMM#0 (x)',
    'Out of memory',
    'EDAC MC0: 1 CE x',
  ])
    assert.equal(named(text), null, text);
});
