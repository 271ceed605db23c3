/** What the dhclient.conf tests want, and an example of every kind of value. */
import type { DesiredDhcp } from '../../agent/config/desired.ts';
import { accepted } from './accepted.ts';

export const WANTED: DesiredDhcp = accepted({
  global: {
    supersede: new Map([
      ['domain-name-servers', ['10.0.0.1', '10.0.0.2']],
      ['domain-search', ['a.example', 'b.example']],
      ['domain-name', ['example.test']],
    ]),
    request: { without: ['routers'], also: ['interface-mtu'] },
    ignore: [],
  },
  interfaces: new Map([
    [
      'eth1',
      {
        supersede: new Map([
          ['domain-name-servers', ['10.0.0.9']],
          ['ntp-servers', ['10.0.0.123']],
        ]),
        request: { without: [], also: ['routers'] },
        ignore: [],
      },
    ],
  ]),
});

/** Only these options, for all interfaces. */
export function wantedGlobally(supersede: Readonly<Record<string, readonly string[]>>): DesiredDhcp {
  return {
    global: { supersede: new Map(Object.entries(supersede)), request: null, ignore: [] },
    interfaces: new Map(),
  };
}

/** By format, see dhcp-option-table.ts. */
export const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  I: ['10.0.0.1'],
  IA: ['10.0.0.1', '10.0.0.2'],
  Ia: ['10.0.0.1', '10.0.0.2'],
  IIA: ['10.1.0.0 10.0.0.1', '10.2.0.0 10.0.0.2'],
  fIa: ['true 10.0.0.1', '10.0.0.2'],
  6: ['2001:DB8:0::1'],
  '6A': ['2001:DB8:0::1', 'fe80::1'],
  '6a': ['2001:db8::1', '::ffff:10.0.0.1'],
  l: ['-3600'],
  L: ['4294967295'],
  T: ['3600'],
  S: ['65535'],
  SA: ['68', '296'],
  Sa: ['6', '44'],
  B: ['255'],
  BA: ['24', '10', '1', '1', '10', '0', '0', '1'],
  BBB: ['1 2 3'],
  BBS: ['1 2 3000'],
  BB6Ia: ['1 2 2001:db8:: 10.0.0.1', '10.0.0.2'],
  f: ['true'],
  t: ['a.example'],
  X: ['0:a:ff'],
  D: ['a.example', 'b_c.example.'],
  Dc: ['a.example', 'b_c.example.'],
  d: ['9a-b.example'],
};
