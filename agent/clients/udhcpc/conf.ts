/**
 * Our part of /etc/udhcpc/udhcpc.conf. udhcpc's script sources this file at the begin of each event, also for a udhcpc
 * that started earlier, and uses the variables afterwards. The rules are those of dhclient's hooks: POSIX sh plus
 * `local`, no exit, nothing leaked, only literals.
 */
import type { DesiredDhcp, DesiredDns } from '../../config/desired.ts';
import { RUN_FOLDER } from '../../host/paths.ts';
import { COMPOSE_HELPERS, composeFunction, type Offered, quote } from '../../resolver/compose-sh.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import { byInterface, indented } from '../by-interface-sh.ts';
import { inOwnNetwork } from '../own-network-sh.ts';
import { OFFER_RECORD, RECORDED_VARIABLES } from './recorded.ts';
import { wantedOfUdhcpc } from './wanted.ts';

const HEADER = `\
# Holdfast keeps this host's DNS and DHCP settings through every lease. Made by "agent apply"; changes here are overwritten.
# Sourced by udhcpc's script at each event, so it must not exit or leave a shell option behind.
`;

/** null if there is nothing to hold. */
export function renderUdhcpcConf(dns: DesiredDns | null, dhcp: DesiredDhcp): string | null {
  const variables = `${dns === null ? '' : dnsVariables(dns)}${byInterface(dhcp, (iface) => assignments(wantedOfUdhcpc(dhcp, iface)))}`;
  const held = variables === '' ? '' : atLease(`# As configured, whatever the server says.\n${variables}`);
  const lines = `${held}${dns === null ? '' : wholeFile(dns)}`;
  return lines === '' ? null : `${HEADER}${inOwnNetwork(`${RECORD}${lines}`)}:\n`;
}

/** The other events bring no lease. */
function atLease(lines: string): string {
  return `case "\${1-}" in\nbound | renew)\n${indented(lines)}    ;;\nesac\n`;
}

/** udhcpc writes no file of its lease. */
const RECORD = `# What the server offered last, a line for each variable, for the agent.
holdfast_record() {
    local holdfast_name holdfast_value
    case "\${interface-}" in
    '' | */* | *[[:space:]]* | *[[:cntrl:]]*) return 0 ;;
    esac
    [ -d ${RUN_FOLDER} ] || mkdir -m 0755 ${RUN_FOLDER} 2>/dev/null || return 0
    for holdfast_name in ${RECORDED_VARIABLES.join(' ')}; do
        eval "holdfast_value=\\\${$holdfast_name-}"
        case "$holdfast_value" in
        '' | *[[:cntrl:]]*) ;;
        *) printf '%s\\n' "$holdfast_name=$holdfast_value" ;;
        esac
    done 2>/dev/null >|"${OFFER_RECORD}$interface"
}
${atLease('holdfast_record || :\n')}unset -f holdfast_record
`;

function dnsVariables({ domain, search, nameservers }: DesiredDns): string {
  const all = { domain: domain === null ? null : [domain], search, dns: nameservers };
  const set = Object.entries(all).flatMap(([name, values]) =>
    values === null ? [] : [[name, values.join(' ')] as const],
  );
  return assignments(new Map(set));
}

function assignments(variables: ReadonlyMap<string, string>): string {
  return [...variables].map(([name, value]) => `command export ${name}=${quote(value)} 2>/dev/null || :\n`).join('');
}

/** The script writes the file anew at each change. RESOLV_CONF=no makes it leave the file to our function. */
function wholeFile(dns: DesiredDns): string {
  const lines = `${composeFunction('holdfast_resolv_conf', dns, OFFERED)}RESOLV_CONF=no
${atLease('holdfast_resolv_conf\n')}unset -f holdfast_resolv_conf ${COMPOSE_HELPERS}
`;
  if (dns.symlink !== 'refuse') return lines;
  return `# A symbolic link is somebody else's file: its owner gets the servers above.\nif [ ! -L ${RESOLV_CONF} ]; then\n${lines}fi\n`;
}

/** Settings that the configuration leaves open, from the server's hostile text. */
const OFFERED: Offered = {
  names: `    holdfast_rest="\${search:-\${domain-}}"
    case "$holdfast_rest" in
    '' | *[!A-Za-z0-9._\\ -]*) ;;
    *) holdfast_names="search $holdfast_rest$holdfast_newline" ;;
    esac
`,
  servers: `    holdfast_rest="\${dns-} "
    while [ -n "$holdfast_rest" ]; do
        holdfast_word=\${holdfast_rest%% *}
        holdfast_rest=\${holdfast_rest#* }
        case "$holdfast_word" in
        '' | *[!0-9.]*) ;;
        *) holdfast_servers="\${holdfast_servers}nameserver $holdfast_word$holdfast_newline" ;;
        esac
    done
`,
};
