/** The shell script that starts systemd-networkd and systemd-resolved on a stage, and says what comes of the lease. */
import { RESOLVED_UPLINKS } from '../resolved.ts';
import { SIX_SH } from '../six-sh.ts';

/** The signals to the script by which another program's reload and restart of systemd-networkd are played. */
export const RELOAD_SIGNAL = 'SIGHUP';
export const RESTART_SIGNAL = 'SIGUSR1';

/**
 * The arguments: the interface, both programs, a script for before a start of systemd-networkd, the servers and domains
 * that the running link has, the signal of a restart, the address by DHCPv6 ('' if there is none), whether routers
 * advertise routes, and whether the link has a lease of DHCPv4. At a boot /run is empty. At other events some servers and domains come neither from systemd-networkd's
 * files nor from the lease. The script tells systemd-networkd these, as resolvectl did on the host. A signal that comes again
 * is no second event.
 */
export const NETWORKD_START_SCRIPT = `
iface=$1 networkd=$2 resolved=$3 address6=$8 routers=$9 four=\${10}
netif=/run/systemd/netif capabilities=+net_admin,+net_bind_service,+net_broadcast,+net_raw
running=
if [ -e /dev/muted ]; then
    running=yes
    rm -rf "$netif" /run/systemd/resolve
    mkdir -p /run/dbus
    dbus-daemon --system --nofork --nopidfile --nosyslog &
    until [ -S /run/dbus/system_bus_socket ]; do sleep 0.05; done
elif [ -n "$4" ]; then
    sh -c "$4"
fi
mkdir -p "$netif/links" "$netif/leases" "$netif/lldp" /run/systemd/resolve
chown -R systemd-network: "$netif"
if [ -n "$resolved" ]; then
    chown systemd-resolve: /run/systemd/resolve
    "$resolved" &
fi
index=$(cat "/sys/class/net/$iface/ifindex")
# Before systemd 248, systemd-networkd waits until udev knows the link, also where no udev can be.
mkdir -p /run/udev/data
echo I:1 >"/run/udev/data/n$index"
# As its service does: systemd 257 started as root wants capabilities that the stage does not have.
start() {
    setpriv --reuid systemd-network --regid systemd-network --clear-groups \\
        --inh-caps "$capabilities" --ambient-caps "$capabilities" "$networkd" &
    process=$!
}
start
link=$netif/links/$index
lease=$netif/leases/$index
leased4() {
    [ -z "$four" ] || [ -e "$lease" ]
}
until leased4 && grep -qs '^OPER_STATE=routable' "$link"; do sleep 0.1; done
value() {
    sed -n "s/^$1=//p" "$link"
}
${SIX_SH}# A restarted systemd-networkd takes the addresses of the earlier one over when it hears of them again.
six_settled() {
    six
    if [ -z "$address6$routers" ]; then return 0; fi
    # Servers and domains come one after another.
    quiet=0 last=
    while [ "$quiet" -lt 20 ] && [ "$tries" -lt 250 ]; do
        quiet=$((quiet + 1)) tries=$((tries + 1))
        if [ "$(cat "$link")" != "$last" ]; then quiet=0; fi
        last=$(cat "$link")
        sleep 0.1
    done
}
six_settled
if [ -n "$running" ] && [ -n "$resolved" ]; then
    for route in $(value ROUTE_DOMAINS); do routes="\${routes-}\${routes:+ }~$route"; done
    domains=$(value DOMAINS)
    domains="$domains\${domains:+ }\${routes-}"
    until [ "$(value DNS)" = "$5" ]; do
        # shellcheck disable=SC2086
        resolvectl dns -- "$iface" \${5:-""}
        sleep 0.2
    done
    if [ "\${domains% }" != "$6" ]; then
        # shellcheck disable=SC2086
        resolvectl domain -- "$iface" \${6:-""}
    fi
fi
if [ -n "$resolved" ]; then
    until grep -qs '^nameserver' ${RESOLVED_UPLINKS} || ! grep -q '^DNS=.' "$link"; do sleep 0.1; done
fi
say() {
    muted=
    if [ -e /dev/muted ]; then muted=muted; fi
    echo "$1 $iface 0 $muted" >/dev/events
}
configured() {
    until leased4 && grep -q '^ADMIN_STATE=configured' "$link"; do sleep 0.1; done
}
# systemd-networkd begins with what a reload changes only after its answer.
reload() {
    trap '' HUP USR1
    networkctl reload
    sleep 1
    configured
    six_settled
    say RELOADED
}
restart() {
    trap '' HUP USR1
    kill -s "$1" "$process"
    wait "$process" || :
    if [ -n "$2" ]; then sh -c "$2"; fi
    : >/dev/restarted
    start
    until [ "$link" -nt /dev/restarted ] && { [ -z "$four" ] || [ "$lease" -nt /dev/restarted ]; }; do sleep 0.1; done
    configured
    six_settled
    say RESTARTED
}
before=$4 ending=$7
trap reload HUP
trap 'restart "$ending" "$before"' USR1
say LEASED
# systemd-networkd removes the file of a lease with the lease.
lost= lost6=
if [ -z "$four" ]; then lost=yes; fi
until [ -n "$lost" ] && { [ -z "$address6" ] || [ -n "$lost6" ]; }; do
    if [ -z "$lost" ] && [ ! -e "$lease" ]; then
        lost=yes
        say LOST
    fi
    if [ -z "$lost6" ] && [ -n "$address6" ] && ! leased6; then
        lost6=yes
        say LOST6
    fi
    sleep 0.1
done
wait
`;
