/**
 * The enter hook's part in `egress`: a DHCP server's default route ranks behind BGP's route, or is dropped while BGP's
 * route is present.
 */
import { BEHIND, type DesiredEgress } from '../../../config/desired.ts';
import { EGRESS } from '../../../host/paths.ts';

/** The names that ip-route(8) has for the daemons that speak BGP, and their numbers if ip-route(8) has no name. */
const OF_BGP = ['bgp', 'bird', 'zebra', '186', '12', '11'];

/**
 * dhclient-script takes the metric from IF_METRIC (Debian), and counts up from it if there are several gateways. The
 * script makes routes only with a new address. At any other event the hook itself gives back the route that the agent
 * took away. The hook starts a process only if the agent has dropped the route. That process asks the kernel for one
 * address, so the size of the tables does not matter.
 */
export function egressHook(egress: DesiredEgress | null): string {
  if (egress === null) return '';
  return `    # The default route is to be BGP's: the server's comes behind all others.
    case "$reason/\${old_ip_address-}" in
    RENEW/"\${new_ip_address-}" | REBIND/"\${new_ip_address-}") holdfast_default=kept ;;
    *)
        holdfast_default=made
        command export IF_METRIC=${BEHIND} 2>/dev/null || :
        ;;
    esac
${egress.dhcp === 'drop' ? DROPPED : ''}    unset holdfast_default
`;
}

/**
 * In a subshell, so that the variables of a neighbouring hook stay untouched. Option 121 overrules option 3 (RFC 3442).
 */
const DROPPED = `    holdfast_word=''
    { IFS= read -r holdfast_word <${EGRESS}; } 2>/dev/null || :
    if [ "$holdfast_word" = dropped ]; then
        case "$(ip -4 route get fibmatch 198.18.0.0 2>/dev/null)" in
        ${OF_BGP.map((name) => `default*" proto ${name} "*`).join(' | ')})
            [ "$holdfast_default" = kept ] || command export new_routers='' 2>/dev/null || :
            ;;
        *)
            # The agent is gone, and so is BGP's route. dhclient-script makes no route at this event.
            [ "$holdfast_default" = made ] || (
                IFS=' '
                set -f
                holdfast_metric=${BEHIND}
                holdfast_routers="\${new_routers-}"
                set -- \${new_rfc3442_classless_static_routes-}
                [ $# -eq 0 ] || holdfast_routers=''
                while [ $# -ge 5 ]; do
                    case "$1" in
                    0)
                        holdfast_routers="$holdfast_routers $2.$3.$4.$5"
                        shift
                        ;;
                    [1-8]) shift 2 ;;
                    9 | 1[0-6]) shift 3 ;;
                    1[7-9] | 2[0-4]) shift 4 ;;
                    2[5-9] | 3[0-2]) shift 5 ;;
                    *) break ;;
                    esac
                    [ $# -ge 4 ] || break
                    shift 4
                done
                for holdfast_router in $holdfast_routers; do
                    case "$holdfast_router" in *[!0-9.]*) continue ;; esac
                    ip -4 route add default via "$holdfast_router" dev "\${interface-}" metric $holdfast_metric proto dhcp || continue
                    holdfast_metric=$((holdfast_metric + 1))
                    printf 'behind\\n' >|${EGRESS} || :
                done
            ) >/dev/null 2>&1 || :
            ;;
        esac
    fi
    unset holdfast_word
`;
