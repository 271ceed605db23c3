/**
 * The hooks' first check: is this the host's own network? `ip netns exec NAME dhclient eth0` runs the host's hooks with
 * the host's /etc in another network namespace. The leases, routes and resolv.conf of that namespace are not ours.
 */

/**
 * Puts a hook's lines of sh (dash, bash, busybox) into a condition: they run only in the host's own network namespace,
 * that of process 1. A file of /proc/PID/net has its own inode in each network namespace, and any user may look at it.
 * /proc/PID/ns needs the right to trace the process.
 *
 * The lines also run if the check is impossible: /proc is not mounted, process 1 is hidden, or `[` does not know -ef.
 * If process 1 has another /etc, it belongs to another host (a container that sees the machine's processes). In that
 * case only a network namespace with a name (ip-netns(8)) counts as foreign. Only that last check starts a process.
 */
export function inOwnNetwork(lines: string): string {
  return `# In another network namespace (ip netns exec) the lease is none of this host's: nothing is done.
holdfast_elsewhere=''
# shellcheck disable=SC3013
if [ / -ef / ] && [ -e /proc/1/net/dev ] && ! [ /proc/self/net/dev -ef /proc/1/net/dev ]; then
    if [ /proc/1/root/etc -ef /etc ]; then
        holdfast_elsewhere=yes
    elif [ -d /run/netns ]; then
        holdfast_elsewhere=$(ip netns identify 2>/dev/null) || holdfast_elsewhere=''
    fi
fi 2>/dev/null
if [ -z "$holdfast_elsewhere" ]; then
${lines}fi
unset holdfast_elsewhere
`;
}
