/**
 * `UseGateway=` came with systemd 246. Before that, `UseRoutes=` also decides about the default route of option 3, so a
 * drop-in for only one of the two leaves a host without its default route, or holds nothing.
 */
import type { DhcpMeaning } from './dhcp-lines.ts';

const SINCE = 246;

/** The meaning; a refusal if it needs a key that this systemd lacks. */
export function ofVersion(meaning: DhcpMeaning, versionOf: () => number | null): DhcpMeaning {
  if ('refusal' in meaning) return meaning;
  const lines = meaning.lines.map(({ line }) => line);
  // Without the key, UseRoutes=no means both.
  const isBoth = lines.includes('UseRoutes=no') && lines.includes('UseGateway=no');
  if (isBoth || !lines.some((line) => line.startsWith('UseGateway='))) return meaning;
  const version = versionOf();
  if (version !== null && version >= SINCE) return meaning;
  const lacks =
    version === null
      ? `the version of systemd is not visible here, and before systemd ${SINCE} there is no UseGateway=`
      : `systemd ${version} has no UseGateway= (it came with ${SINCE})`;
  return {
    refusal: `${lacks}: systemd-networkd then takes the default route and the other routes of an offer, or none; to take none, write ignore: [routers, classless-routes]`,
  };
}
