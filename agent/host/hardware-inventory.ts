/**
 * The parts of this machine: board, firmware, processors, memory modules, network cards. systeminformation (5.33) reads
 * them, and starts sh, dmidecode, dmesg, lscpu and the like. It is therefore loaded only in a process of its own.
 * Network cards are read here, because the library reads the whole of `ip route`, at a cost that grows with the routing
 * table.
 */
import { nullIfRefused } from './errors.ts';
import type { Host } from './host.ts';
import { STATE_FOLDER } from './paths.ts';

/** Each value is one line for people; null if unknown. */
export interface Inventory {
  readonly board: string | null;
  readonly firmware: string | null;
  readonly cpu: string | null;
  /** The hypervisor or container, or null on bare metal. */
  readonly virtual: string | null;
  readonly memory: readonly MemoryModule[];
  readonly network: readonly NetworkCard[];
}

export interface MemoryModule {
  /** The firmware's name: `DIMM_A1`; '' if there is none. */
  readonly slot: string;
  /** The firmware's name: `NODE 0 CHANNEL 0 DIMM 0`. */
  readonly bank: string;
  /** Bytes. */
  readonly size: number;
  readonly type: string;
  /** null if unknown. */
  readonly ecc: boolean | null;
}

export interface NetworkCard {
  readonly name: string;
  /** null if the card is virtual, without a device. */
  readonly driver: string | null;
  /** By ethtool, if installed; otherwise null. */
  readonly firmware: string | null;
  /** Mb/s; null if unknown, or the link is down. */
  readonly speed: number | null;
  readonly mtu: number | null;
}

/** Takes a second or two. Without root, many values are unknown. Never throws. */
export async function takeInventory(host: Host): Promise<Inventory> {
  const { default: si } = await import('systeminformation');
  const [system, board, bios, cpu, modules] = await Promise.all([
    si.system(),
    si.baseboard(),
    si.bios(),
    si.cpu(),
    si.memLayout(),
  ]);
  const firmware = firmwareStrings(host);
  return {
    board:
      line(system.manufacturer || board.manufacturer, system.model || board.model, system.version) ?? firmware.board,
    firmware: line(bios.vendor, bios.version, bios.releaseDate) ?? firmware.bios,
    cpu: line(cpu.manufacturer, cpu.brand, cpu.cores > 0 ? `(${cpu.cores} threads)` : ''),
    virtual: system.virtual ? system.virtualHost || system.model || 'unknown' : hypervisor(host),
    memory: memoryModules(modules, host.run('dmidecode', ['-t', 'memory']).stdout),
    network: networkCards(host),
  };
}

const FIRMWARE = '/sys/class/dmi/id';

/**
 * The firmware's own strings, which every user may read. The library reads them only if dmidecode fails, and dmidecode
 * needs more than the service's sandbox gives. Each is null if unknown.
 */
export function firmwareStrings(host: Host): { readonly board: string | null; readonly bios: string | null } {
  const says = (file: string) => nullIfRefused(() => host.readText(`${FIRMWARE}/${file}`));
  const machine = line(says('sys_vendor'), says('product_name'), says('product_version'));
  return {
    board: machine ?? line(says('board_vendor'), says('board_name'), says('board_version')),
    bios: line(says('bios_vendor'), says('bios_version'), says('bios_date')),
  };
}

/**
 * The hypervisor or container by systemd, which asks the processor and needs no rights; null on bare metal, or if
 * systemd is not installed. The library knows a hypervisor only by the board's name, /dev/disk and the kernel's log,
 * and the service's sandbox hides the last two.
 */
export function hypervisor(host: Pick<Host, 'run'>): string | null {
  const name = host.run('systemd-detect-virt', []).stdout.trim();
  return /^[a-z0-9-]{1,32}$/.test(name) && name !== 'none' ? name : null;
}

interface KnownModule {
  readonly size: number;
  readonly bank: string;
  readonly type: string;
  readonly ecc?: boolean | null;
}

/**
 * The library's modules, with parts of dmidecode's text that the library leaves out. These are the slot, which is
 * printed on the board, and unknown widths, as in virtual machines. Without dmidecode the library invents one module of
 * all memory, which is left out.
 */
export function memoryModules(modules: readonly KnownModule[], dmidecode: string): MemoryModule[] {
  const devices = dmidecode.split(/^Memory Device$/m).slice(1);
  if (devices.length !== modules.length) return [];
  return modules.flatMap(({ size, bank, type, ecc }, n) => {
    const device = devices[n]!;
    const slot = /^\s*Locator: *(\S.*)$/m.exec(device)?.[1]?.trim() ?? '';
    const known = /^\s*Total Width: *\d/m.test(device) && /^\s*Data Width: *\d/m.test(device);
    return size > 0 ? [{ slot, bank: bank.trim(), size, type, ecc: known ? (ecc ?? null) : null }] : [];
  });
}

const CARDS = '/sys/class/net';

export function networkCards(host: Host): NetworkCard[] {
  const names = (nullIfRefused(() => host.list(CARDS)) ?? []).filter((name) => name !== 'lo');
  return names.flatMap((name) => {
    const number = (file: string) => {
      const value = Number(nullIfRefused(() => host.readText(`${CARDS}/${name}/${file}`)) || Number.NaN);
      return value > 0 ? value : null;
    };
    const mtu = number('mtu');
    if (mtu === null) return []; // bonding_masters and similar files are no cards
    const driver = nullIfRefused(() => host.readLink(`${CARDS}/${name}/device/driver`))?.replace(/^.*\//, '') ?? null;
    return [{ name, driver, firmware: driver === null ? null : firmwareOf(host, name), speed: number('speed'), mtu }];
  });
}

function firmwareOf(host: Host, name: string): string | null {
  const { status, stdout } = host.run('ethtool', ['-i', name]);
  const version = status === 0 ? /^firmware-version: *(\S.*)$/m.exec(stdout)?.[1]?.trim() : undefined;
  return version === undefined || version === 'N/A' ? null : version;
}

/** Lines for people, by part: `board`, `memory.0`, `network.eth0`. */
export function inventoryLines({ board, firmware, cpu, virtual, memory, network }: Inventory): Record<string, string> {
  const lines: Record<string, string | null> = { board, firmware, cpu, virtual };
  for (const [n, module] of memory.entries()) lines[`memory.${n}`] = moduleLine(module);
  for (const { name, driver, firmware: version, speed, mtu } of network) {
    const parts = [
      driver ?? 'virtual',
      version && `firmware ${version}`,
      speed && `${speed} Mb/s`,
      mtu && `MTU ${mtu}`,
    ];
    lines[`network.${name}`] = parts.filter(Boolean).join(', ');
  }
  return Object.fromEntries(Object.entries(lines).filter((entry): entry is [string, string] => entry[1] !== null));
}

function moduleLine({ slot, bank, size, type, ecc }: MemoryModule): string | null {
  const where = [slot, bank].filter((name) => name !== '').join(', ');
  const kind = ecc === null ? '' : ecc ? 'ECC' : 'no ECC';
  return line(where === '' ? '' : `${where}:`, `${size / 2 ** 30} GiB`, type, kind);
}

/** The last reported inventory: modules are usually changed while the machine is off. */
export const INVENTORY = `${STATE_FOLDER}/inventory`;

export interface ToldInventory {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly lines: Readonly<Record<string, string>>;
  readonly memory: readonly MemoryModule[];
}

/** null if none was reported yet, or the record cannot be read. */
export function toldInventory(host: Host): ToldInventory | null {
  try {
    const told = JSON.parse(nullIfRefused(() => host.read(INVENTORY))?.toString() ?? '') as Partial<ToldInventory>;
    const sound = typeof told.time === 'number' && typeof told.lines === 'object' && Array.isArray(told.memory);
    return sound ? (told as ToldInventory) : null;
  } catch {
    return null;
  }
}

/** The module of an EDAC line in the kernel's log, if the inventory knows the label; otherwise null. */
export function moduleNamed(host: Host, text: string): string | null {
  const label = /^EDAC MC\d+: \d+ [CU]E .*? on (\S+)/.exec(text)?.[1];
  const found = label === undefined ? null : moduleOf(label, toldInventory(host)?.memory ?? []);
  return found === null ? null : moduleLine(found);
}

/**
 * The module of an EDAC label (`CPU_SrcID#0_MC#0_Chan#0_DIMM#0`, `DIMM_A1`), if both sources use the same name;
 * otherwise null.
 */
export function moduleOf(label: string, memory: readonly MemoryModule[]): MemoryModule | null {
  const plain = (text: string) => text.replace(/[^0-9a-z]/gi, '').toLowerCase();
  const wanted = plain(label);
  const found = memory.filter(({ slot, bank }) =>
    [slot, bank].some((name) => plain(name) !== '' && plain(name) === wanted),
  );
  return found.length === 1 ? found[0]! : null;
}

function line(...parts: (string | undefined | null)[]): string | null {
  const text = parts
    .map((part) => part?.replace(/\s+/g, ' ').trim() ?? '')
    .filter((part) => part !== '' && part !== '-')
    .join(' ');
  return text === '' ? null : text.slice(0, 200);
}
