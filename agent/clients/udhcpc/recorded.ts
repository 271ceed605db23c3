/**
 * The offer that our lines of udhcpc.conf record at each lease, because udhcpc itself records none. They record the variables
 * of its script before anything of ours replaces them. Every value is a server's text.
 */
import { findOption, type OptionDefinition } from '../../config/notation/dhcp-options.ts';
import { mayBeSinceStart } from '../../host/files/file-times.ts';
import type { Host } from '../../host/host.ts';
import { RUN_FOLDER } from '../../host/paths.ts';
import type { Process } from '../../host/process/processes.ts';
import { findBlock } from '../../resolver/marked-block.ts';
import {
  addressOption,
  ipv4Addresses,
  namesOption,
  numberOption,
  pairsOf,
  routesOption,
  textOption,
} from '../option-bytes.ts';
import { offerOf, type RecordedOffer } from '../recorded-offer.ts';
import { UDHCPC_CONF } from './running.ts';
import { UDHCPC_VARIABLES } from './wanted.ts';

/** The interface's name follows. */
export const OFFER_RECORD = `${RUN_FOLDER}/udhcpc.`;

export const RECORDED_VARIABLES: readonly string[] = [
  ...['ip', 'subnet', 'lease', 'serverid', 'siaddr', 'sname', 'boot_file'],
  ...Object.values(UDHCPC_VARIABLES),
];

function variablesOf(host: Host, iface: string): ReadonlyMap<string, string> {
  const lines = (host.readText(`${OFFER_RECORD}${iface}`) ?? '').split('\n');
  return new Map(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const));
}

export interface RecordedLease {
  readonly address: string;
  readonly server: string | null;
  readonly nameservers: readonly string[];
  readonly search: readonly string[];
  /** Gateways of default routes. */
  readonly routers: readonly string[];
  readonly ntp: readonly string[];
  /** Seconds for which the server gave the lease; null if an older block of ours recorded it. */
  readonly duration: number | null;
  /** When the lease was taken or renewed: milliseconds since the epoch. */
  readonly written: number;
}

/** null if this udhcpc has taken no lease with our lines in place, or the lines are gone and so record no more. */
export function recordedLease(host: Host, process: Process, iface: string): RecordedLease | null {
  const written = host.stat(`${OFFER_RECORD}${iface}`)?.mtimeMs ?? null;
  if (written === null || !mayBeSinceStart(host, written, process)) return null;
  if (findBlock(host.readText(UDHCPC_CONF) ?? '') === null) return null;
  const values = variablesOf(host, iface);
  const addresses = (name: string) => ipv4Addresses(words(values.get(name)));
  const [address] = addresses('ip');
  if (address === undefined) return null;
  // RFC 3442: beside classless routes the routers do not count.
  const classless = pairsOf(words(values.get('staticroutes')));
  const search = words(values.get('search'));
  const duration = values.get('lease') ?? '';
  return {
    address,
    server: addresses('serverid')[0] ?? null,
    nameservers: addresses('dns'),
    search: search.length > 0 ? search : words(values.get('domain')),
    routers:
      classless.length > 0
        ? ipv4Addresses(classless.flatMap(([to, gateway]) => (to === '0.0.0.0/0' ? [gateway] : [])))
        : addresses('router'),
    ntp: addresses('ntpsrv'),
    duration: /^\d{1,10}$/.test(duration) ? Number(duration) : null,
    written,
  };
}

/** null if no lease of the interface is recorded. */
export function recordedByConf(host: Host, iface: string): RecordedOffer | null {
  const values = variablesOf(host, iface);
  const addresses = (name: string) => ipv4Addresses(words(values.get(name)));
  const [address] = addresses('ip');
  if (address === undefined) return null;
  const options = Object.entries(UDHCPC_VARIABLES).flatMap(([name, variable]): [number, Buffer | null][] => {
    const [definition, value] = [findOption(name), values.get(variable)];
    return definition === undefined || value === undefined
      ? []
      : [[definition.code, bytesOf(definition, variable, value)]];
  });
  const offer = offerOf({
    address,
    server: addresses('serverid')[0] ?? null,
    nextServer: addresses('siaddr')[0] ?? null,
    options: [[1, addressOption(addresses('subnet').slice(0, 1))], ...options],
  });
  const [sname, file] = [padded(values.get('sname'), 64), padded(values.get('boot_file'), 128)];
  return { ...offer, fields: { ...offer.fields, sname, file } };
}

const words = (text: string | undefined) => (text ?? '').split(' ').filter((word) => word !== '');

/** A text field of a message, which ends with a zero. */
function padded(text: string | undefined, size: number): Buffer {
  const field = Buffer.alloc(size);
  field.write((text ?? '').slice(0, size - 1), 'latin1');
  return field;
}

/** null if the text is no such value. `format`: dhcp-option-table.ts. */
function bytesOf({ format }: OptionDefinition, variable: string, text: string): Buffer | null {
  if (/^(ms)?staticroutes$/.test(variable)) return routesOption(pairsOf(words(text)));
  if (format.startsWith('I')) return addressOption(ipv4Addresses(words(text)));
  if (format.startsWith('D')) return namesOption(words(text));
  if (format.startsWith('B')) return numberOption(text, 1);
  if (format.startsWith('S')) return numberOption(text, 2);
  if (/^[Ll]/.test(format)) return numberOption(text, 4);
  return textOption(text);
}
