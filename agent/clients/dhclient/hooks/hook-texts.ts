/**
 * The two hooks that dhclient-script(8) sources at every event. The enter hook makes a dhclient that still runs with an
 * old configuration produce the wanted state. The exit hook records the event for the agent.
 *
 * The hooks run inside dhclient-script as root, and dhclient declines its lease when that script fails. Rules: POSIX sh
 * plus `local`; no exit, no set, nothing leaked. A hook must work under a neighbour's `set -e`, `set -u`, `set -f`,
 * `set -C` and IFS. It contains only literals from the configuration, single-quoted. Text from a server is copied,
 * compared and printed, never evaluated. No process is started while nothing changes. The exception is one process for
 * an address' lifetime, a folder in /run, or a default route that was taken away.
 */
import type { DesiredDns, DesiredState, DhcpScope } from '../../../config/desired.ts';
import { envName, envValue, findOption } from '../../../config/notation/dhcp-options.ts';
import { RESTART, RUN_FOLDER } from '../../../host/paths.ts';
import { COMPOSE_HELPERS, composeFunction, quote } from '../../../resolver/compose-sh.ts';
import { managedKeywords, RESOLV_CONF } from '../../../resolver/resolv-conf.ts';
import { inOwnNetwork } from '../../own-network-sh.ts';
import { egressHook } from './egress-lines.ts';
import { ignoreOffers, routesAgain } from './route-lines.ts';

/** The recorded parts of an offer, by dhclient-script's names (without `new_`). */
const RECORDED = {
  4: [
    'ip_address',
    'subnet_mask',
    'broadcast_address',
    'routers',
    'rfc3442_classless_static_routes',
    'interface_mtu',
    'host_name',
    'domain_name',
    'domain_search',
    'domain_name_servers',
    'ntp_servers',
    'dhcp_server_identifier',
    'dhcp_lease_time',
    'dhcp_renewal_time',
    'dhcp_rebinding_time',
    'expiry',
  ],
  6: [
    'ip6_address',
    'ip6_prefix',
    'dhcp6_name_servers',
    'dhcp6_domain_search',
    'dhcp6_sntp_servers',
    'dhcp6_server_id',
    'renew',
    'rebind',
    'max_life',
    'preferred_life',
  ],
} as const;

const HEADER = `\
# Holdfast keeps this host's DHCP and DNS settings through every lease. Made by "agent apply"; changes here are overwritten.
# Sourced by dhclient-script(8), so it must not exit, fail, or leave a shell option or a variable behind: dhclient would
# decline its lease.
`;

export function renderEnterHook(desired: DesiredState): string {
  return `${HEADER}${inOwnNetwork(enterLines(desired))}:
`;
}

function enterLines(desired: DesiredState): string {
  return `# What the server offered, for the exit hook, on one line.
holdfast_offered=''
holdfast_offer() {
    case "$2" in
    '') ;;
    *[[:cntrl:]]*) holdfast_offered="$holdfast_offered	$1=?" ;;
    *) holdfast_offered="$holdfast_offered	$1=$2" ;;
    esac
}
case "\${reason-}" in
BOUND | RENEW | REBIND | REBOOT | TIMEOUT)
${recordOffer(4)}${REFRESH}${supersede(desired, 4)}${ignoreOffers(desired.dhclient)}${egressHook(desired.egress)}${desired.restart === 'whenSafe' ? KEEP : ''}    ;;
BOUND6 | RENEW6 | REBIND6)
${recordOffer(6)}${supersede(desired, 6)}    ;;
esac
unset -f holdfast_offer
${desired.dns === null || managedKeywords(desired.dns).length === 0 ? '' : makeResolvConf(desired.dns)}`;
}

/**
 * dhclient-script adds the address on REBOOT. This changes nothing if the address is present, so its lifetime would run
 * out at the old expiry. A missing address is left to the script, which checks it and adds it or declines.
 */
const REFRESH = `    if [ "$reason" = REBOOT ]; then
        holdfast_refresh() {
            local holdfast_word
            case "\${new_ip_address-}/\${new_subnet_mask-}/\${new_dhcp_lease_time-}" in
            /* | *//* | */ | *[!0-9./]*) return 0 ;;
            esac
            holdfast_word=$(ip -4 -o addr show dev "\${interface-}" 2>/dev/null) || return 0
            case "$holdfast_word" in
            *" inet $new_ip_address/"*) holdfast_word=\${holdfast_word#*" inet $new_ip_address/"} ;;
            *) return 0 ;;
            esac
            # One word each, whatever IFS is.
            set -- "$new_ip_address/\${holdfast_word%% *}"
            if [ -n "\${new_broadcast_address-}" ]; then
                set -- "$@" broadcast "$new_broadcast_address"
            fi
            ip -4 addr change "$@" valid_lft "$new_dhcp_lease_time" preferred_lft "$new_dhcp_lease_time" \\
                dev "\${interface-}" label "\${interface-}" >/dev/null 2>&1 || :
        }
        holdfast_refresh
        unset -f holdfast_refresh
    fi
`;

/** At TIMEOUT dhclient-script flushes the address if the first router does not answer a ping. */
const KEEP = `    # While Holdfast starts this dhclient again, a server that does not answer takes nothing away.
    if [ "$reason" = TIMEOUT ] && [ -e ${RESTART} ]; then
        command export new_routers='' 2>/dev/null || :
    fi
`;

/** Leaves the last event of each interface in RUN_FOLDER: `lease.eth0`, and `lease6.eth0` for DHCPv6. */
export function renderExitHook({ routes }: Pick<DesiredState, 'routes'>): string {
  return `${HEADER}${inOwnNetwork(exitLines(routes))}unset holdfast_offered
:
`;
}

/** The kernel allows neither `/` nor blanks in an interface's name (dev_valid_name()). */
function exitLines(routes: DesiredState['routes']): string {
  return `case "\${reason-}" in
'' | PREINIT* | MEDIUM | ARPCHECK | ARPSEND) ;;
*)
    # The last event of each interface, on one line, for the agent.
    case "\${interface-}" in
    '' | */* | *[[:space:]]* | *[[:cntrl:]]*) ;;
    *)
        if [ -d ${RUN_FOLDER} ] || mkdir -p -m 0755 ${RUN_FOLDER} 2>/dev/null; then
            case "$reason" in
            *6) holdfast_record='${RUN_FOLDER}/lease6' ;;
            *) holdfast_record='${RUN_FOLDER}/lease' ;;
            esac
            printf '%s\\n' "reason=$reason	interface=$interface	pid=$PPID\${holdfast_offered-}" \\
                2>/dev/null >|"$holdfast_record.$interface" || :
            unset holdfast_record
        fi
        ;;
    esac
    ;;
esac
${RESOLV_CONF_AGAIN}${routesAgain(routes)}`;
}

/** At these events RHEL 6's script puts back the resolv.conf that it saved before the first lease. */
const RESOLV_CONF_AGAIN = `case "\${reason-}" in
EXPIRE | FAIL | RELEASE | STOP | EXPIRE6 | RELEASE6 | STOP6)
    if command -v holdfast_resolv_conf >/dev/null 2>&1; then
        holdfast_resolv_conf
    fi
    ;;
esac
unset -f holdfast_resolv_conf ${COMPOSE_HELPERS}
`;

function recordOffer(family: 4 | 6): string {
  return RECORDED[family].map((name) => `    holdfast_offer ${name} "\${new_${name}-}"\n`).join('');
}

function supersede({ dhclient }: DesiredState, family: 4 | 6): string {
  const everywhere = assignments(dhclient.global, family, '    ');
  const branches = [...dhclient.interfaces].flatMap(([name, scope]) => {
    const own = assignments(scope, family, '        ');
    return own === '' ? [] : [`    ${quote(name)})\n${own}        ;;\n`];
  });
  const own = branches.length === 0 ? '' : `    case "\${interface-}" in\n${branches.join('')}    esac\n`;
  const all = everywhere + own;
  return all === '' ? '' : `    # As configured, whatever the server or a stale dhclient.conf says.\n${all}`;
}

function assignments(scope: DhcpScope, family: 4 | 6, indent: string): string {
  return [...scope.supersede]
    .flatMap(([name, values]) => {
      const option = findOption(name);
      if (option === undefined || name.startsWith('dhcp6.') !== (family === 6)) return [];
      // A plain assignment to a variable that a neighbour has made read-only ends the shell; a failing command does
      // not.
      return [`${indent}command export ${envName(option)}=${quote(envValue(option, values))} 2>/dev/null || :\n`];
    })
    .join('');
}

/**
 * dhclient-script's own make_resolv_conf empties the file and fills it again at every renewal. Our function works like
 * composeResolvConf: it compares, and renames a new file into place. Settings that the configuration leaves open come
 * from the lease.
 */
function makeResolvConf(dns: DesiredDns): string {
  const body = `${composeFunction('holdfast_resolv_conf', dns, { names: OFFERED_NAMES, servers: OFFERED_SERVERS })}make_resolv_conf() {
    holdfast_resolv_conf
}
`;
  if (dns.symlink !== 'refuse') return body;
  return `# A symbolic link is somebody else's file: its owner gets the servers above from its own hook.
if [ ! -L ${RESOLV_CONF} ]; then
${body}fi
`;
}

/** The domain becomes the first search domain, because Debian's script does the same. */
const OFFERED_NAMES = `    holdfast_word="\${new_domain_name-}"
    holdfast_word=\${holdfast_word%% *}
    holdfast_rest="\${new_domain_search-}"
    case "\${reason-}" in *6) holdfast_rest="\${new_dhcp6_domain_search-}" holdfast_word='' ;; esac
    case "$holdfast_word$holdfast_rest" in
    '' | *[!A-Za-z0-9._\\ -]*) ;;
    *)
        case " $holdfast_rest " in
        *" \${holdfast_word:-$holdfast_rest} "* | *" $holdfast_word. "*) ;;
        *) holdfast_rest="$holdfast_word\${holdfast_rest:+ $holdfast_rest}" ;;
        esac
        holdfast_names="\${holdfast_word:+domain $holdfast_word$holdfast_newline}search $holdfast_rest$holdfast_newline"
        ;;
    esac
`;

const OFFERED_SERVERS = `    holdfast_rest="\${new_domain_name_servers-} "
    case "\${reason-}" in *6) holdfast_rest="\${new_dhcp6_name_servers-} " ;; esac
    while [ -n "$holdfast_rest" ]; do
        holdfast_word=\${holdfast_rest%% *}
        holdfast_rest=\${holdfast_rest#* }
        case "$holdfast_word" in
        '' | *[!0-9A-Fa-f.:]*) ;;
        [Ff][Ee]80:*) holdfast_servers="\${holdfast_servers}nameserver $holdfast_word%\${interface-}$holdfast_newline" ;;
        *) holdfast_servers="\${holdfast_servers}nameserver $holdfast_word$holdfast_newline" ;;
        esac
    done
`;
