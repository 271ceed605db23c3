/**
 * Stand-ins for dhclient-scripts, written for these tests. Each one sources hooks and makes resolv.conf the way that the
 * script of this name does.
 */

/** Debian's: functions that source one file and all files of a folder. */
export const DEBIAN_SCRIPT = `#!/bin/sh
make_resolv_conf() {
    local new_resolv_conf
    resolv_conf=$(readlink -f "/etc/resolv.conf" 2>/dev/null) ||
        resolv_conf="/etc/resolv.conf"
    new_resolv_conf="\${resolv_conf}.dhclient-new.$$"
    rm -f $new_resolv_conf
    for nameserver in $new_domain_name_servers; do
        echo nameserver $nameserver >>$new_resolv_conf
    done
    cat $new_resolv_conf >$resolv_conf
    rm -f $new_resolv_conf
}
run_hook() {
    local script="$1"
    local exit_status=0
    if [ -f $script ]; then
        . $script
        exit_status=$?
    fi
    return $exit_status
}
run_hookdir() {
    local dir="$1"
    local exit_status=0
    if [ -d "$dir" ]; then
        for script in $(run-parts --list $dir); do
            run_hook $script
            exit_status=$((exit_status|$?))
        done
    fi
    return $exit_status
}
exit_with_hooks() {
    local exit_status=$1
    if ! run_hook /etc/dhcp/dhclient-exit-hooks; then
        exit_status=$?
    fi
    if ! run_hookdir /etc/dhcp/dhclient-exit-hooks.d; then
        exit_status=$?
    fi
    exit $exit_status
}
run_hook /etc/dhcp/dhclient-enter-hooks
run_hookdir /etc/dhcp/dhclient-enter-hooks.d
case "$reason" in
    MEDIUM|ARPCHECK|ARPSEND)
        ;;
    PREINIT)
        ip link set dev \${interface} up
        ;;
    BOUND|RENEW|REBIND|REBOOT)
        if [ -z "$old_ip_address" ] || [ "$reason" = "BOUND" ]; then
            ip -4 addr add \${new_ip_address}\${new_subnet_mask:+/$new_subnet_mask} dev \${interface}
        fi
        make_resolv_conf
        ;;
    EXPIRE|FAIL|RELEASE|STOP)
        ip -4 addr flush dev \${interface} label \${interface}
        ;;
    TIMEOUT)
        if [ -z "$new_routers" ] || ping -q -c 1 "\${new_routers%% *}"; then
            make_resolv_conf
        else
            exit_with_hooks 2
        fi
        ;;
    BOUND6|RENEW6|REBIND6)
        make_resolv_conf
        ;;
esac
exit_with_hooks 0
`;

/**
 * RHEL 7's: one enter hook with the run bit, functions of the distribution, `dhclient.d`, and a resolv.conf that only
 * functions of make_resolv_conf write.
 */
export const RHEL_SCRIPT = `#!/bin/bash
PATH=/bin:/usr/bin:/sbin
ETCDIR="/etc/dhcp"
logmessage() {
    msg="\${1}"
    logger -p local7.notice -t "NET" "dhclient: \${msg}"
}
fix_context() {
    if [ -x /sbin/restorecon ]; then
        /sbin/restorecon \${1} >/dev/null 2>&1
    fi
}
add_domain_to_search() {
    sed -i -e "s/\${1}/\${1} example.net/" /etc/resolv.conf
}
make_resolv_conf() {
    [ "\${PEERDNS}" = "no" ] && return
    rscf="$(mktemp /tmp/XXXXXX)"
    for nameserver in \${new_domain_name_servers} ; do
        echo "nameserver \${nameserver}" >> \${rscf}
    done
    change_resolv_conf \${rscf}
    rm -f \${rscf}
    add_domain_to_search "\${search}"
    fix_context /etc/resolv.conf
}
exit_with_hooks() {
    exit_status="\${1}"
    if [ -x \${ETCDIR}/dhclient-exit-hooks ]; then
        . \${ETCDIR}/dhclient-exit-hooks
    fi
    exit \${exit_status}
}
ip2num() {
    IFS="." echo \${1}
}
get_prefix() {
    ipcalc -s -p \${1} \${2} | cut -d '=' -f 2
}
dhconfig() {
    if [ -x \${ETCDIR}/dhclient-\${interface}-up-hooks ]; then
        . \${ETCDIR}/dhclient-\${interface}-up-hooks
    elif [ -x \${ETCDIR}/dhclient-up-hooks ]; then
        . \${ETCDIR}/dhclient-up-hooks
    fi
    IFS=', |' static_routes=(\${new_classless_static_routes})
    route_targets=()
    let n="\${1} << 24 | \${2} << 16"
    ((pads=4-\${#static_routes[@]}))
    if [[ "\${OUR_MACS}" = *"\${ARP_REPLY}"* ]] && [[ ! "\${domain}" = *\\ * ]] ||
       [ $(IFS=. ip2num \${router}) -le 0 ]; then
        default_routers=(\${default_routers[@]} \${router})
    fi
    for((i=0; i<\${#static_routes[@]}; i+=2)); do
        ip -4 route replace \${static_routes[$i]} dev \${interface}
    done
    if [[ ( "\${DEFROUTE}" != "no") &&
          (( -z "\${GATEWAYDEV}" ) ||
           ( "\${GATEWAYDEV}" = "\${interface}" )) ]]; then
        ip -4 route replace default via \${new_routers} dev \${interface}
    fi
    make_resolv_conf
    if [ -d \${ETCDIR}/dhclient.d ]; then
        for f in \${ETCDIR}/dhclient.d/*.sh ; do
            if [ -x \${f} ]; then
                subsystem="\${f%.sh}"
                subsystem="\${subsystem##*/}"
                . \${f}
                "\${subsystem}_config"
            fi
        done
    fi
}
if [ -x \${ETCDIR}/dhclient-enter-hooks ]; then
    exit_status=0
    . \${ETCDIR}/dhclient-enter-hooks
    if [ \${exit_status} -ne 0 ]; then
        exit \${exit_status}
    fi
fi
if [ ! -r /etc/sysconfig/network-scripts/network-functions ]; then
    echo "Missing /etc/sysconfig/network-scripts/network-functions, exiting." >&2
    exit 1
fi
. /etc/sysconfig/network-scripts/network-functions
if [ -f /etc/sysconfig/network ]; then
    . /etc/sysconfig/network
fi
cd /etc/sysconfig/network-scripts
CONFIG="ifcfg-\${interface}"
need_config \${CONFIG}
source_config >/dev/null 2>&1
new_prefix="$(get_prefix \${new_ip_address} \${new_subnet_mask})"
case "\${reason}" in
    MEDIUM|ARPCHECK|ARPSEND)
        exit_with_hooks 0
        ;;
    PREINIT)
        ip link set \${interface} up
        exit_with_hooks 0
        ;;
    BOUND|RENEW|REBIND|REBOOT)
        if [ -z "\${interface}" ] || [ -z "\${new_ip_address}" ]; then
            exit_with_hooks 2
        fi
        if arping -D -q -c2 -I \${interface} \${new_ip_address}; then
            dhconfig
            exit_with_hooks 0
        else
            exit_with_hooks 1
        fi
        ;;
    EXPIRE|FAIL|RELEASE|STOP)
        # RHEL 6 puts back the file of the time before the first lease.
        if [ -f /var/lib/dhclient/resolv.conf.predhclient.\${interface} ]; then
            change_resolv_conf /var/lib/dhclient/resolv.conf.predhclient.\${interface}
        fi
        exit_with_hooks 0
        ;;
    TIMEOUT)
        set \${new_routers}
        if ping -q -c 1 -w 10 -I \${interface} \${1}; then
            dhconfig
            exit_with_hooks 0
        fi
        exit_with_hooks 1
        ;;
    *)
        logmessage "unhandled state: \${reason}"
        exit_with_hooks 1
        ;;
esac
exit_with_hooks 0
`;

/** What RHEL's script sources after the hooks: one function of it writes resolv.conf. */
export const RHEL_FUNCTIONS = `need_config () {
    local nconfig
    CONFIG="ifcfg-\${1}"
    [ -f "\${CONFIG}" ] && return
}
source_config () {
    CONFIG=\${CONFIG##*/}
    . /etc/sysconfig/network-scripts/$CONFIG
    nmcli --fields running general status
}
change_resolv_conf () {
    s=$(grep '^[\\ \\t]*option' /etc/resolv.conf 2>/dev/null)
    (cat $1) > /etc/resolv.conf
}
`;

/** ISC's of 4.1: a chain of `if`, one file at each moment. */
export const ISC_SCRIPT = `#!/bin/bash
ip=/sbin/ip
make_resolv_conf() {
  if [ x"$new_domain_name_servers" != x ]; then
    cat /dev/null > /etc/resolv.conf.dhclient
    for nameserver in $new_domain_name_servers; do
      echo nameserver $nameserver >>/etc/resolv.conf.dhclient
    done
    mv /etc/resolv.conf.dhclient /etc/resolv.conf
  fi
}
exit_with_hooks() {
  exit_status=$1
  if [ -f /etc/dhclient-exit-hooks ]; then
    . /etc/dhclient-exit-hooks
  fi
  exit $exit_status
}
if [ -f /etc/dhclient-enter-hooks ]; then
  exit_status=0
  . /etc/dhclient-enter-hooks
  if [ $exit_status -ne 0 ]; then
    exit $exit_status
  fi
fi
if [ x$reason = xMEDIUM ]; then
  exit_with_hooks 0
fi
if [ x$reason = xPREINIT ]; then
  ifconfig $interface 0.0.0.0 up
  exit_with_hooks 0
fi
if [ x$reason = xBOUND ] || [ x$reason = xRENEW ] || \\
   [ x$reason = xREBIND ] || [ x$reason = xREBOOT ]; then
  current_hostname=\`hostname\`
  if [ x$new_routers != x$old_routers ] ; then
    $LOGGER "New Routers: $new_routers"
    route add default gw $new_routers dev $interface
  fi
  \${ip} link set \${interface} up
  make_resolv_conf
  exit_with_hooks 0
fi
if [ x$reason = xTIMEOUT ]; then
  set $new_routers
  if ping -q -c 1 $1; then
    make_resolv_conf
    exit_with_hooks 0
  fi
  exit_with_hooks 1
fi
exit_with_hooks 0
`;
