/** The part of our enter hook that holds `dhcp`: variables for dhcpcd's other hooks. */
import type { DesiredDhcp } from '../../config/desired.ts';
import { quote } from '../../resolver/compose-sh.ts';
import { byInterface, indented } from '../by-interface-sh.ts';
import { type WantedOfDhcpcd, wantedOfDhcpcd } from './wanted.ts';

/**
 * Lines of sh; empty if `dhcp` asks nothing of a hook. They start no process, except for the folder in /run.
 *
 * dhcpcd's own hooks compare an option's new value with the old one, and restart a program if the two differ
 * (60-ntp-common.conf restarts systemd-timesyncd). dhcpcd knows only the server's old value. Each event's values are
 * therefore recorded, and what was told before is the old value of the next event.
 */
export function optionLines(dhcp: DesiredDhcp): string {
  const four = byInterface(dhcp, (iface) => assignments(wantedOfDhcpcd(dhcp, iface), false));
  const six = byInterface(dhcp, (iface) => assignments(wantedOfDhcpcd(dhcp, iface), true));
  return `${four + six === '' ? '' : RECORD_BEGIN}${at(EVENTS_4, four)}${at(EVENTS_6, six)}${
    four + six === '' ? '' : RECORD_END
  }${byInterface(dhcp, (iface) => advertisementLines(wantedOfDhcpcd(dhcp, iface)))}`;
}

/** dhcpcd's reasons that bring a lease (script.c of 7 to 10). RECONFIGURE tells the present lease again. */
const EVENTS_4 = 'BOUND | RENEW | REBIND | REBOOT | INFORM | STATIC';
const EVENTS_6 = 'BOUND6 | RENEW6 | REBIND6 | REBOOT6 | INFORM6';

/** At these events dhcpcd's hooks remove what they made of the lease. */
const ENDS = 'EXPIRE | FAIL | RELEASE | STOP | EXPIRE6 | RELEASE6 | STOP6';

/** The folder of dhcpcd-run-hooks. Debian's dhcpcd.service may write there, and nowhere else in /run. */
const STATE = '/run/dhcpcd/hook-state';

const RECORD_BEGIN = `# Options as configured, whatever the server says.
holdfast_give() {
    command export "new_$1=$2" 2>/dev/null || :
    case "$holdfast_told" in
    *"	$1=$2	"*) command export "old_$1=$2" 2>/dev/null || : ;;
    esac
    holdfast_tell="$holdfast_tell$1=$2	"
}
holdfast_record='' holdfast_told='' holdfast_tell='	'
case "\${interface-}" in
'' | */* | *[[:space:]]* | *[[:cntrl:]]*) ;;
*)
    case "\${reason-}" in
    *6) holdfast_record="${STATE}/holdfast6.$interface" ;;
    *) holdfast_record="${STATE}/holdfast.$interface" ;;
    esac
    if [ -f "$holdfast_record" ]; then
        IFS= read -r holdfast_told 2>/dev/null <"$holdfast_record" || :
        # What hooks made of a lease goes with the lease.
        case "\${reason-}" in
        ${ENDS}) rm -f -- "$holdfast_record" 2>/dev/null || : ;;
        esac
    fi
    ;;
esac
`;

const RECORD_END = `if [ "$holdfast_tell" != '	' ] && [ "$holdfast_tell" != "$holdfast_told" ] && [ -n "$holdfast_record" ]; then
    if [ -d ${STATE} ] || mkdir -p ${STATE} 2>/dev/null; then
        printf '%s\\n' "$holdfast_tell" 2>/dev/null >|"$holdfast_record" || :
    fi
fi
unset -f holdfast_give
unset holdfast_record holdfast_told holdfast_tell
`;

function at(events: string, lines: string): string {
  return lines === '' ? '' : `case "\${reason-}" in\n${events})\n${indented(lines)}    ;;\nesac\n`;
}

function assignments({ variables, hidden }: WantedOfDhcpcd, isSix: boolean): string {
  const ofFamily = (name: string) => name.startsWith('dhcp6_') === isSix;
  return [
    ...[...variables]
      .filter(([name]) => ofFamily(name))
      .map(([name, value]) => `holdfast_give ${name} ${quote(value)}\n`),
    ...hidden.filter(ofFamily).map((name) => `command unset -v new_${name} 2>/dev/null || :\n`),
  ].join('');
}

/** A dhcpcd that started without `noipv6rs` hands the name servers of advertisements to its hooks, in nd1_rdnss1_servers. */
function advertisementLines({ advertisements }: WantedOfDhcpcd): string {
  return advertisements ? '' : '# Nothing of router advertisements.\ncommand unset -v nd1_acquired 2>/dev/null || :\n';
}
