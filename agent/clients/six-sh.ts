/** The part of the scripts for the stage that waits for IPv6: shell functions of `$iface`, `$address6` and `$routers`. */

/** The stage makes this file if its kernel cannot send the advertisements, with which the rest of IPv6 begins. */
export const WITHOUT_SIX = '/dev/without-six';

/**
 * `leased6`: whether the link has its address by DHCPv6, and no other host was found to have it. `six [COMMAND]`: waits for that
 * address and for a route of a router, if the link had them ('' in a variable: it had none), and until the command succeeds. It
 * waits 15 s at most: by now the program may take none. `late` is then `yes`, and `tries` has the number of looks. Without
 * IPv6 on the stage it waits for nothing.
 */
export const SIX_SH = `
leased6() {
    ip -6 -o addr show dev "$iface" | grep -F " $address6/" | grep -qv tentative
}
six() {
    tries=0 late=
    if [ -e ${WITHOUT_SIX} ]; then return; fi
    read -r began _ </proc/uptime
    until { [ -z "$address6" ] || leased6; } &&
        { [ -z "$routers" ] || ip -6 route show dev "$iface" proto ra | grep -q .; } &&
        "\${1:-true}"; do
        tries=$((tries + 1))
        read -r looked _ </proc/uptime
        if [ "\${looked%%.*}" -ge "$((\${began%%.*} + 15))" ]; then
            late=yes
            break
        fi
        sleep 0.1
    done
}
`;
