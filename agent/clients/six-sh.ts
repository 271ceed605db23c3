/** The part of the scripts for the stage that waits for IPv6: shell functions of `$iface`, `$address6` and `$routers`. */

/**
 * `leased6`: whether the link has its address by DHCPv6, and no other host was found to have it. `six`: waits for that address
 * and for a route of a router, if the link had them ('' in a variable: it had none), at most 15 s: by now the program may take
 * none. `tries` then has the number of its looks.
 */
export const SIX_SH = `
leased6() {
    ip -6 -o addr show dev "$iface" | grep -F " $address6/" | grep -qv tentative
}
six() {
    tries=0
    until { [ -z "$address6" ] || leased6; } &&
        { [ -z "$routers" ] || ip -6 route show dev "$iface" proto ra | grep -q .; }; do
        tries=$((tries + 1))
        if [ "$tries" -ge 150 ]; then break; fi
        sleep 0.1
    done
}
`;
