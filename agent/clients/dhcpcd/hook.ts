/**
 * Our part of /etc/dhcpcd.enter-hook. dhcpcd-run-hooks(8) sources this file before its own hooks at every event, also
 * for a dhcpcd that started earlier. Later hooks see the variables that our part sets, and skip a hook that
 * `skip_hooks` names. The rules are those of dhclient's hooks (agent/clients/dhclient/hooks/hook-texts.ts): POSIX sh plus
 * `local`, no exit, nothing leaked, only literals.
 */
import type { DesiredDhcp, DesiredDns } from '../../config/desired.ts';
import { COMPOSE_HELPERS, composeFunction, OFFERED_IN_FILE, quote } from '../../resolver/compose-sh.ts';
import { leavesNothingOpen, RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import { inOwnNetwork } from '../own-network-sh.ts';
import { optionLines } from './hook-options.ts';

const HEADER = `\
# Holdfast keeps this host's DNS and DHCP settings through every lease. Made by "agent apply"; changes here are overwritten.
# Sourced by dhcpcd-run-hooks(8) before its own hooks, so it must not exit or leave a shell option behind.
`;

/** null if a hook can hold nothing of it. `dns` is null if it is not configured, or is left to another program. */
export function renderDhcpcdHook(dns: DesiredDns | null, dhcp: DesiredDhcp): string | null {
  const own = `${dns === null ? '' : lines(dns)}${optionLines(dhcp)}`;
  return own === '' ? null : `${HEADER}${inOwnNetwork(own)}:\n`;
}

function lines(dns: DesiredDns): string {
  return `case "\${if_up-}/\${reason-}" in
true/* | */ROUTERADVERT)
    # As configured, whatever the server says, or a dhcpcd that has read an older dhcpcd.conf.
${variables(dns)}    ;;
esac
${leavesNothingOpen(dns) ? wholeFile(dns) : openFile(dns)}`;
}

/**
 * For the other hooks, and for the owner of a resolv.conf that is a link. DHCPv6 variables are also set, because dhcpcd
 * maps them later.
 */
function variables({ domain, search, nameservers }: DesiredDns): string {
  const all = [
    ['new_domain_name', domain === null ? null : [domain]],
    ['new_domain_search', search],
    ['new_domain_name_servers', nameservers],
    ['new_dhcp6_domain_search', search],
    ['new_dhcp6_name_servers', nameservers],
  ] as const;
  return all
    .flatMap(([name, values]) => (values === null ? [] : [`    ${name}=${quote(values.join(' '))}\n`]))
    .join('');
}

/**
 * dhcpcd's own hook writes the file in place, so a reader may find it empty. Our hook therefore skips dhcpcd's hook,
 * also when a lease ends.
 */
function wholeFile(dns: DesiredDns): string {
  return `${composeFunction('holdfast_resolv_conf', dns, { names: '', servers: '' })}${unlessLink(
    dns,
    `skip_hooks="\${skip_hooks-} resolv.conf"
case "\${if_up-}/\${reason-}" in
true/* | */ROUTERADVERT) holdfast_resolv_conf ;;
esac
`,
  )}unset -f holdfast_resolv_conf ${COMPOSE_HELPERS}
`;
}

/**
 * dhcpcd's own hook puts open settings together from all interfaces, DHCP, DHCPv6 and router advertisements. It writes
 * through change_file, which our part replaces. An installed resolvconf would be called instead.
 */
function openFile(dns: DesiredDns): string {
  return unlessLink(
    dns,
    `${composeFunction('holdfast_resolv_conf', dns, OFFERED_IN_FILE)}change_file() {
    if [ "$1" = ${RESOLV_CONF} ]; then
        holdfast_resolv_conf "$2"
        rm -f -- "$2"
        return 1
    fi
    # As dhcpcd-run-hooks has it.
    if [ -e "$1" ] && comp_file "$1" "$2"; then
        rm -f "$2"
        return 1
    fi
    cat "$2" >"$1"
    rm -f "$2"
    return 0
}
resolvconf=holdfast-keeps-resolv.conf
`,
  );
}

function unlessLink({ symlink }: DesiredDns, lines: string): string {
  if (symlink !== 'refuse') return lines;
  return `# A symbolic link is somebody else's file: its owner gets the servers above.
if [ ! -L ${RESOLV_CONF} ]; then
${lines}fi
`;
}
