/**
 * Our dispatcher script, which NetworkManager-dispatcher(8) runs as root after each event. With `dns=none` no other
 * program writes resolv.conf. The script writes the file if it differs, and takes open settings from NetworkManager's
 * merged result of all connections. The script works without Holdfast, and does no harm without it.
 */
import type { DesiredDns } from '../../config/desired.ts';
import { composeFunction, OFFERED_IN_FILE } from '../../resolver/compose-sh.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';

/** NetworkManager's own resolv.conf, which it writes whatever `dns=` says. It never holds a stub's address. */
const MERGED = '/run/NetworkManager/no-stub-resolv.conf';

export function renderDispatcher(dns: DesiredDns): string {
  const guard = dns.symlink === 'refuse' ? ` && [ ! -L ${RESOLV_CONF} ]` : '';
  return `#!/bin/sh
# Holdfast keeps this host's DNS settings through every lease. Made by "agent apply"; changes here are overwritten.
case "\${2-}" in
up | down | dhcp4-change | dhcp6-change | reapply | dns-change | connectivity-change) ;;
*) exit 0 ;;
esac
${composeFunction('holdfast_resolv_conf', dns, OFFERED_IN_FILE)}if [ -e /etc/NetworkManager/conf.d/90-holdfast.conf ]${guard}; then
    holdfast_resolv_conf ${MERGED}
fi
exit 0
`;
}
