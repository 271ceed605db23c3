/**
 * The keys of a profile that make NetworkManager pass over offers. Each was tried with NetworkManager 1.42:
 * `never-default` drops every default route, also one of classless routes; `ignore-auto-routes` drops every route of
 * the lease, also the default route.
 */
import type { IgnoredOffer } from '../../config/desired.ts';
import type { ProfileKey } from './profile-text.ts';
import { type ManagedDevice, profileLine } from './profiles.ts';

/**
 * What the profile of a device needs for one offer, no keys if it takes no such offer anyway; or why NetworkManager
 * cannot ignore the offer there.
 */
export type IgnoredByProfile = { readonly keys: readonly ProfileKey[] } | { readonly refusal: string };

export function keysFor(offer: IgnoredOffer, all: ReadonlySet<IgnoredOffer>, device: ManagedDevice): IgnoredByProfile {
  return offer === 'router-advertisements' ? ofAdvertisements(device) : ofLease(offer, all, device);
}

function ofLease(offer: IgnoredOffer, all: ReadonlySet<IgnoredOffer>, device: ManagedDevice): IgnoredByProfile {
  const { name, record, profile } = device;
  const method = profileLine(profile, 'ipv4', 'method');
  if (method !== null && method.value !== 'auto') return { keys: [] };
  if (all.has('routers') && all.has('classless-routes'))
    return { keys: [{ section: 'ipv4', key: 'ignore-auto-routes', value: 'true' }] };
  if (offer === 'classless-routes')
    return {
      refusal: `NetworkManager ignores all routes of a lease or none: on ${name}, write ignore: [routers, classless-routes], and the routes that are still wanted below "routes"`,
    };
  const classless = record.find(({ key }) => /classless_static_routes$/.test(key));
  if (/(^|\s)0\.0\.0\.0\/0(\s|$)/.test(classless?.value ?? ''))
    return {
      refusal: `the default route of ${name} comes with the classless routes, and NetworkManager cannot tell it from option 3: write ignore: [routers, classless-routes]`,
    };
  const own = profile.find(
    ({ section, key, value }) =>
      section === 'ipv4' && (key === 'gateway' || (/^route\d+$/.test(key) && /^0\.0\.0\.0\/0\b/.test(value))),
  );
  if (own !== undefined)
    return {
      refusal: `${own.file}:${own.line} has a default route of its own, which never-default would drop; write ignore: [routers, classless-routes]`,
    };
  return { keys: [{ section: 'ipv4', key: 'never-default', value: 'true' }] };
}

/**
 * With the method `dhcp` or `link-local`, NetworkManager listens to no advertisement; the first keeps the address of a
 * DHCPv6 lease. With `ignore` the kernel listens.
 */
function ofAdvertisements({ name, record, profile }: ManagedDevice): IgnoredByProfile {
  const method = profileLine(profile, 'ipv6', 'method');
  if (method?.value === 'ignore')
    return {
      refusal: `${method.file}:${method.line} leaves IPv6 of ${name} to the kernel: write sysctl: { net.ipv6.conf.${name}.accept_ra: 0 }`,
    };
  const set = (value: string): IgnoredByProfile => ({ keys: [{ section: 'ipv6', key: 'method', value }] });
  if (method !== null && /^(dhcp|link-local)$/.test(method.value)) return set(method.value);
  if (method !== null && method.value !== 'auto') return { keys: [] };
  return set(record.some(({ section }) => section === 'dhcp6') ? 'dhcp' : 'link-local');
}

/** As nmcli(1) writes the properties: `ipv4.never-default yes`. */
export function propertiesOf(keys: readonly ProfileKey[]): string {
  return keys.map(({ section, key, value }) => `${section}.${key} ${value === 'true' ? 'yes' : value}`).join(' ');
}
