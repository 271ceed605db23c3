/** The enter hook's part in `egress`: a DHCP server's default route comes behind BGP's, or not at all while that one is there. */
import { BEHIND, type DesiredEgress } from '../config/desired.ts';
import { EGRESS } from '../host/folders.ts';

/** As ip-route(8) names the daemons that speak BGP, or numbers them where it has no names. */
const OF_BGP = ['bgp', 'bird', 'zebra', '186', '12', '11'];

/**
 * For events at which dhclient-script adds routes. It takes the metric from IF_METRIC (Debian's), and counts up from it where
 * there are several gateways. One process is started, and only where the agent has dropped the route already: it asks the
 * kernel for one address, which costs the same whatever the tables hold.
 */
export function egressHook(egress: DesiredEgress | null): string {
  if (egress === null) return '';
  const dropped = `        holdfast_word=''
        { IFS= read -r holdfast_word <${EGRESS}; } 2>/dev/null || :
        if [ "$holdfast_word" = dropped ]; then
            case "$(ip -4 route get fibmatch 198.18.0.0 2>/dev/null)" in
            ${OF_BGP.map((name) => `default*" proto ${name} "*`).join(' | ')}) command export new_routers='' 2>/dev/null || : ;;
            esac
        fi
        unset holdfast_word
`;
  return `    # The default route is to be BGP's: the server's comes behind all others.
    case "$reason/\${old_ip_address-}" in
    RENEW/"\${new_ip_address-}" | REBIND/"\${new_ip_address-}") ;;
    *)
        command export IF_METRIC=${BEHIND} 2>/dev/null || :
${egress.dhcp === 'drop' ? dropped : ''}        ;;
    esac
`;
}
