/**
 * Our dispatcher script, which NetworkManager-dispatcher(8) runs as root after each event. With `dns=none` nobody else
 * writes resolv.conf: the script puts it right where it differs, and fills in what is left open from what NetworkManager
 * puts together of all its connections. It is the whole of what is done: it works, and does no harm, without Holdfast.
 */
import type { DesiredDns } from '../../config/desired.ts';
import { composeFunction, OFFERED_IN_FILE } from '../../resolver/compose-sh.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';

/** NetworkManager's own resolv.conf, made whatever `dns=` says: never a stub's address. */
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
