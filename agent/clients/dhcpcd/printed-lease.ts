/** What a running dhcpcd prints of its leases (`dhcpcd -U`), and the advertisements in it (dhcpcd-run-hooks(8), `nd1_…`). */
import { ipAddress, prefixHolding } from '../../address/address-checks.ts';
import { ipv6Addresses } from '../option-bytes.ts';
import type { AdvertisedPrefix, RecordedAdvertisement } from '../recorded-advertisement.ts';

/** The parts that are about this interface: one for each reason. */
export function printedParts(printed: string, iface: string): string[] {
  return printed.split(/^(?=reason=)/m).filter((part) => part.includes(`\ninterface=${iface}\n`));
}

/** One of each router. A value with another form than dhcpcd prints is left out. An advertisement without its router is none. */
export function printedAdvertisements(printed: string, iface: string): RecordedAdvertisement[] {
  const values = valuesOf(printed, iface);
  const advertisements: RecordedAdvertisement[] = [];
  for (let n = 1; values.has(`nd${n}_from`); n += 1) {
    const advertisement = advertisementOf((name) => values.get(`nd${n}_${name}`));
    if (advertisement !== null) advertisements.push(advertisement);
  }
  return advertisements;
}

function valuesOf(printed: string, iface: string): Map<string, string> {
  const found = printedParts(printed, iface).flatMap((part) => [...part.matchAll(/^(nd\d+_\w+)=([\x20-\x7e]*)$/gm)]);
  return new Map(found.map(([, name, value]) => [name!, value!]));
}

type Value = (name: string) => string | undefined;

function advertisementOf(value: Value): RecordedAdvertisement | null {
  const router = ipAddress(value('from') ?? '');
  if (router?.startsWith('fe80:') !== true) return null;
  const flags = value('flags') ?? '';
  const lists = (option: string, values: string) =>
    numbered(value, option, values).map(({ words, of }) => ({ words, lifetime: numberIn(of('lifetime')) ?? 0 }));
  return {
    router,
    managed: flags.includes('M'),
    other: flags.includes('O'),
    lifetime: numberIn(value('lifetime')) ?? 0,
    preference: flags.includes('h') ? 'high' : flags.includes('l') ? 'low' : 'medium',
    hopLimit: numberIn(value('hoplimit')) ?? 0,
    mtu: numberIn(value('mtu')),
    prefixes: numbered(value, 'prefix_information', 'prefix').flatMap(prefixOf),
    // dhcpcd makes nothing of route information.
    routes: [],
    servers: lists('rdnss', 'servers').map(({ words, lifetime }) => ({ addresses: ipv6Addresses(words), lifetime })),
    domains: lists('dnssl', 'search').map(({ words, lifetime }) => ({ names: words, lifetime })),
  };
}

interface Numbered {
  /** The words of the value that each of these options has. */
  readonly words: readonly string[];
  readonly of: Value;
}

/** An option that may come more than once has a number behind its name. */
function numbered(value: Value, option: string, has: string): Numbered[] {
  const found: Numbered[] = [];
  for (let n = 1; ; n += 1) {
    const words = value(`${option}${n}_${has}`)?.split(' ').filter(Boolean);
    if (words === undefined) return found;
    found.push({ words, of: (name) => value(`${option}${n}_${name}`) });
  }
}

function prefixOf({ words: [word = ''], of }: Numbered): AdvertisedPrefix[] {
  const [length, valid, preferred] = ['length', 'vltime', 'pltime'].map((name) => numberIn(of(name)));
  const [address] = ipv6Addresses([word]);
  if (address === undefined || length == null || length > 128) return [];
  const flags = of('flags') ?? '';
  return [
    {
      prefix: prefixHolding(address, length),
      onLink: flags.includes('L'),
      autonomous: flags.includes('A'),
      valid: valid ?? 0,
      preferred: preferred ?? 0,
    },
  ];
}

const numberIn = (text: string | undefined) => (/^\d{1,10}$/.test(text ?? '') ? Number(text) : null);
