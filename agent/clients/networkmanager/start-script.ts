/**
 * The shell script that runs NetworkManager(8) on a stage, with a message bus that only knows its dispatcher. When the
 * dispatcher's scripts have ended, the script writes to /dev/events what became of the device: one line for each event.
 */
import { SIX_SH } from '../six-sh.ts';

const BUS = 'org.freedesktop.NetworkManager';

/** Comes after every file of an operator. */
const STAGE_CONF = '/etc/NetworkManager/conf.d/~rehearsal.conf';

/**
 * The arguments, in this order: the interface, its index and its lease's address on the host, the identifier of its profile.
 * The seconds after which NetworkManager gives up asking. The dispatcher, and systemd-resolved ('' if it does not answer
 * libc). The memory of a running NetworkManager (RememberedFiles): its conf, the profile's file, and whether it is loaded. The
 * address by DHCPv6 ('' if there is none), the seconds after which NetworkManager gives up asking for that address, and
 * whether routers advertise themselves. The values of IPv6 that NetworkManager tells once it has all, a line each. The
 * remembered profile.
 */
export const NETWORKMANAGER_START_SCRIPT = `
iface=$1 host_index=$2 address=$3 uuid=$4 patience=$5 dispatcher=$6 resolved=$7
remembered=$8 file=$9
shift 9
loaded=$1 address6=$2 patience6=$3 routers=$4 told6=$5
shift 5
run=/run/NetworkManager
index=$(cat "/sys/class/net/$iface/ifindex")
state=$run/devices/$index

# What NetworkManager finds of an earlier one: at a boot only what generators put there, at a restart the record of the
# device. A running NetworkManager shall not find that it has run before.
if [ ! -d /run/dbus ]; then
    mkdir -p "$run/system-connections"
    find "$run" -mindepth 1 -maxdepth 1 ! -name conf.d ! -name system-connections -exec rm -rf {} +
    find "$run/system-connections" -type f ! -name 'netplan-*' -delete
else
    cp "$run/devices/$host_index" /dev/record 2>/dev/null || :
    rm -rf "$run/devices" "$run"/*.pid
    if [ ! -e /dev/muted ] && [ -e /dev/record ]; then
        mkdir -p "$run/devices"
        cp /dev/record "$state"
    fi
fi
conf() {
    printf '%s[keyfile]\\nunmanaged-devices=*,except:interface-name:=%s\\n' "$1" "$iface" >'${STAGE_CONF}'
}
mkdir -p /etc/NetworkManager/conf.d
if [ -e /dev/muted ]; then conf "$remembered"; else conf ''; fi

# While muted, the dispatcher does not start, so no script runs.
cat >/dev/dispatch <<'END'
#!/bin/sh
if [ -e /dev/muted ]; then
    echo >>/dev/asked
    exit 1
fi
echo $$ >/dev/dispatcher
exec "$1" --persist >>/dev/output 2>&1
END
chmod 755 /dev/dispatch
: >/dev/asked
mkdir -p /dev/services /run/dbus
cat >/dev/services/org.freedesktop.nm_dispatcher.service <<END
[D-BUS Service]
Name=org.freedesktop.nm_dispatcher
Exec=/dev/dispatch $dispatcher
END
cat >/dev/bus.conf <<'END'
<busconfig>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <servicedir>/dev/services</servicedir>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
  </policy>
</busconfig>
END
dbus-daemon --config-file=/dev/bus.conf --nofork --nopidfile --nosyslog 2>/dev/null &
until [ -S /run/dbus/system_bus_socket ]; do sleep 0.05; done
if [ -n "$resolved" ]; then
    rm -rf /run/systemd/resolve
    mkdir -p /run/systemd/resolve
    chown systemd-resolve: /run/systemd/resolve
    "$resolved" &
    until busctl call org.freedesktop.DBus / org.freedesktop.DBus NameHasOwner s org.freedesktop.resolve1 |
        grep -q true; do sleep 0.05; done
fi
event=
trap 'event=RELOAD' HUP
trap 'event=REAPPLY' USR1
NetworkManager --no-daemon &

is() {
    grep -qs "$1" "$state"
}
uptime() {
    read -r seconds _ </proc/uptime
    seconds=\${seconds%%.*}
}
# Whether a script of the dispatcher runs.
dispatches() {
    pid=$(cat /dev/dispatcher 2>/dev/null) || return 1
    grep -qs "^PPid:[[:space:]]*$pid\\$" /proc/[0-9]*/status
}
say() {
    uptime
    end=$((seconds + 20))
    quiet=0
    while [ "$seconds" -lt "$end" ] && [ "$quiet" -lt 8 ]; do
        quiet=$((quiet + 1))
        if dispatches; then quiet=0; fi
        sleep 0.1
        uptime
    done
    muted=
    if [ -e /dev/muted ]; then muted=muted; fi
    echo "$1 $iface $unsettled $muted" >/dev/events
}

${SIX_SH}
# What this NetworkManager says that it has of the device: an earlier one left its record, and the kernel keeps addresses and
# routes over a restart.
told() {
    nmcli -t -e no -f DHCP4,DHCP6,IP6 device show "$iface" 2>/dev/null
}
leased4() {
    told | grep -q '^DHCP4.*:ip_address = ' && is '^connection-uuid='
}
told_six() {
    now=$(told | sed 's/^[^]]*\\]://')
    while read -r value; do
        if [ -n "$value" ] && ! echo "$now" | grep -qxF -e "$value"; then return 1; fi
    done <<END
$told6
END
}
# 1 if IPv6 did not come again: what is then seen may be early.
unsettled=0
settle_six() {
    six told_six
    unsettled=0
    if [ -n "$late" ]; then unsettled=1; fi
}
# A method of the settings, or of one profile.
ask() {
    path=$1
    shift
    case "$path" in Settings) of=Settings ;; *) of=Settings.Connection ;; esac
    busctl --system call -- ${BUS} "/org/freedesktop/NetworkManager/$path" "${BUS}.$of" "$@"
}

uptime
longest=$patience
if [ -n "$address6" ] && [ "$patience6" -gt "$longest" ]; then longest=$patience6; fi
last=$((seconds + longest + 2))
until leased4; do
    sleep 0.2
    uptime
    if [ "$seconds" -ge "$last" ]; then
        if is '^connection-uuid='; then say CONNECTED; else say FAILED; fi
        last=$((seconds + 600))
    fi
done
if [ -e /dev/muted ] && { [ $# -gt 0 ] || ! is "^connection-uuid=$uuid\\$"; }; then
    if [ $# -gt 0 ]; then
        settings=$(ask Settings GetConnectionByUuid s "$uuid" | sed 's/^o "\\(.*\\)"$/\\1/')
        ask "\${settings#*/NetworkManager/}" Update2 'a{sa{sv}}ua{sv}' "$@" 1 0 >/dev/null
    fi
    nmcli --wait 30 connection up uuid "$uuid" ifname "$iface" >/dev/null
    until leased4 && is "^connection-uuid=$uuid\\$"; do sleep 0.2; done
fi
settle_six
# The start's events come one after another, and none of them may come after the muted time.
asked=-1
while [ -e /dev/muted ] && [ "$asked" -ne "$(wc -c </dev/asked)" ]; do
    asked=$(wc -c </dev/asked)
    sleep 1.5
done
say LEASED
if [ -e /dev/muted ]; then
    while [ -e /dev/muted ]; do sleep 0.05; done
    conf ''
    if [ -n "$loaded" ]; then nmcli connection load "$file" >/dev/null; fi
fi

# The programs that ask NetworkManager are not told when it gives up one family: with the other the device stays in use.
lost= lost6= gone= gone6=
while :; do
    case "$event" in
    RELOAD)
        event=
        nmcli general reload >/dev/null
        nmcli connection reload >/dev/null
        sleep 1
        say RELOADED
        ;;
    REAPPLY)
        event=
        nmcli connection reload >/dev/null
        nmcli --wait 30 device reapply "$iface" >/dev/null
        sleep 1
        settle_six
        say REAPPLIED
        ;;
    esac
    if [ -z "$lost" ] && ! ip -4 -o addr show dev "$iface" | grep -qF " $address/"; then
        uptime
        lost=yes gone=$((seconds + patience + 4))
        say LOST
    fi
    if [ -z "$lost6" ] && [ -n "$address6" ] && ! leased6; then
        uptime
        lost6=yes gone6=$((seconds + patience6 + 4))
        say LOST6
    fi
    uptime
    if [ -n "$gone" ] && [ "$seconds" -ge "$gone" ]; then
        gone=
        say FAILED
    fi
    if [ -n "$gone6" ] && [ "$seconds" -ge "$gone6" ]; then
        gone6=
        say FAILED6
    fi
    if ! is '^connection-uuid='; then
        say FAILED
        break
    fi
    sleep 0.2
done
wait
`;
