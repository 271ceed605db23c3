/** A router's advertisement with every part that a record of one may have. */
import type { RecordedAdvertisement } from '../../agent/clients/recorded-advertisement.ts';
import { accepted } from './accepted.ts';

export const ADVERTISEMENT: RecordedAdvertisement = {
  router: accepted('fe80::1'),
  managed: true,
  other: false,
  lifetime: 1800,
  preference: 'high',
  hopLimit: 64,
  mtu: 1400,
  prefixes: [
    { prefix: accepted('2001:db8:1::/64'), onLink: true, autonomous: true, valid: 3600, preferred: 0xffffffff },
  ],
  routes: [{ prefix: accepted('2001:db8:7::/48'), preference: 'low', lifetime: 600 }],
  servers: [{ addresses: [accepted('2001:db8::53')], lifetime: 300 }],
  domains: [{ names: ['a.example'], lifetime: 300 }],
};
