/**
 * Makes openresolv write a file other than resolv.conf. It would bring old servers back at each message from a client
 * or a VPN.
 */
import { openresolvInstalled, openresolvWrites, RESOLVCONF_CONF } from '../../clients/openresolv.ts';
import type { DesiredDns } from '../../config/desired.ts';
import { dnsStates } from '../../hold/dns-settings.ts';
import { compareFile } from '../../hold/files/compare-file.ts';
import type { Finding } from '../../hold/resource.ts';
import type { Host } from '../../host/host.ts';
import { findBlock, marked } from '../../resolver/marked-block.ts';

/** The block leaves openresolv's other subscribers (dnsmasq, unbound …) alone. */
const BLOCK = marked(`# Made by "agent apply"; changes here are overwritten. /etc/resolv.conf is Holdfast's.
resolv_conf=/run/resolvconf/resolv.conf
`);

/**
 * null if openresolv is not installed, or leaves resolv.conf alone anyway.
 * @param dns null if nothing is held, so that only our block matters.
 */
export function compareOpenresolv(host: Host, dns: DesiredDns | null): Promise<Finding | null> {
  const place = { resource: 'resolver', key: RESOLVCONF_CONF, moment: 'lease' } as const;
  return compareFile(host, place, (actual) => {
    if (actual === null) return null;
    const block = findBlock(actual);
    const theirs = block === null ? actual : block.before + block.after;
    if (block === null && (dns === null || !openresolvInstalled(host) || !openresolvWrites(theirs))) return null;
    const wanted = dns === null ? theirs : withBlock(actual, theirs);
    const state = actual === wanted ? 'ok' : 'drifted';
    const settings = async () => [...dnsStates(dns, 'lease', state), ...dnsStates(dns, 'boot', state)];
    return { wanted, settings };
  });
}

/** Puts the block at its present place, or at the end if an assignment below it has the last word. */
function withBlock(actual: string, theirs: string): string {
  const block = findBlock(actual);
  if (block !== null && !/^[ \t]*(resolvconf|resolv_conf)=/m.test(block.after))
    return block.before + BLOCK + block.after;
  return (theirs === '' || theirs.endsWith('\n') ? theirs : `${theirs}\n`) + BLOCK;
}
