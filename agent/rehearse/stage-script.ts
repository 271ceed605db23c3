/**
 * The shell script that makes the stage of a rehearsal (stage.ts) and plays the event, as process 1 of its namespaces.
 */

/** Seconds that dhclient-script may take. It usually takes 0.1 s. */
const EVENT_LIMIT = 20;

/**
 * The capabilities of hooks on the stage. Those that reach past the namespaces are left out: modules, the clock, raw
 * devices, mounts, files by their handle, other processes' memory (capabilities(7)).
 */
const CAPABILITIES = [
  ...['chown', 'dac_override', 'fowner', 'fsetid', 'kill', 'setgid', 'setuid', 'setpcap', 'sys_chroot', 'setfcap'],
  ...['net_admin', 'net_raw', 'net_bind_service', 'net_broadcast'],
];

/** dhclient's own PATH (CLIENT_PATH of 4.4.3). */
const CLIENT_PATH = '/usr/sbin:/sbin:/bin:/usr/sbin:/usr/bin';

/**
 *   sh -euc STAGE_SCRIPT rehearsal NAME=VALUE...
 * The arguments are the event's variables, `count` of them, followed by the variables of every event. The environment has
 * `interface`, `script`, `preinit` (before, after or empty), `boot` (yes or empty), `pid`, `count` and `record`. Each line
 * of standard input is a kind and a text: `network` and `peer` for ip -batch, `sysctl` with a path and a value. Each line
 * of standard output is a name and a result in base64.
 */
export const STAGE_SCRIPT = `
mount --make-rprivate /
mount -t tmpfs -o mode=700,size=256m rehearsal /mnt
umask 022
mkdir /mnt/root

# The host's files can be read and anything can be written, in memory: over() puts a layer on one mount of the host. What
# is mounted read-only stays so; what is not put here (network file systems, containers' layers) is not there.
number=0
over() {
    number=$((number + 1))
    mkdir "/mnt/upper$number" "/mnt/work$number"
    mount -t overlay -o "$2,nodev,lowerdir=$1,upperdir=/mnt/upper$number,workdir=/mnt/work$number" \\
        rehearsal "/mnt/root$1"
}
# proc_pid_mountinfo(5): the mount's options are the 6th field; the type and the file system's options follow a lone dash.
each_mount() {
    while read -r _ _ _ _ point options rest; do
        rest=\${rest#*- }
        case ",$options,\${rest##* }," in *,ro,*) mode=ro ;; *) mode=rw ;; esac
        "$1" "$point" "$mode" "\${rest%% *}"
    done </proc/self/mountinfo
}
over_root() {
    if [ "$1" = / ]; then rootmode=$2; fi
}
over_others() {
    case "$1" in
    / | /dev | /dev/* | /proc | /proc/* | /sys | /sys/* | /mnt | /mnt/* | *[!A-Za-z0-9._/@+-]*) return 0 ;;
    esac
    case "$3" in ext[234] | xfs | btrfs | f2fs | zfs | tmpfs | ramfs | overlay) ;; *) return 0 ;; esac
    # A file that is mounted by itself, as a container's resolv.conf, cannot be renamed over: nor here.
    if [ -f "$1" ] && [ -f "/mnt/root$1" ]; then
        if [ "$(wc -c <"$1")" -gt 1048576 ]; then return 0; fi
        number=$((number + 1))
        cp -p "$1" "/mnt/file$number"
        mount --bind "/mnt/file$number" "/mnt/root$1"
    elif [ -d "$1" ] && [ -d "/mnt/root$1" ] && [ "$3" != overlay ]; then
        over "$1" "$2"
    fi
}
rootmode=rw
each_mount over_root
over / "$rootmode"
each_mount over_others

cd /mnt/root
if [ -n "$boot" ]; then
    mount -t tmpfs -o mode=755,size=64m run run
    mount -t tmpfs -o mode=1777,size=64m tmp tmp
    mkdir -p run/lock
    if [ -d /run/systemd/system ]; then mkdir -p run/systemd/system; fi
fi

# Devices of its own: none that leads anywhere.
mount -t tmpfs -o mode=755,size=16m dev dev
for device in null:3 zero:5 full:7 random:8 urandom:9; do
    mknod -m 666 "dev/\${device%:*}" c 1 "\${device#*:}"
done
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
mkdir dev/shm

# Of the kernel's settings only those of this network namespace can be written.
mount -t proc proc proc
mount --bind proc/sys/net proc/sys/net
mount -o remount,bind,ro proc
mount -t sysfs -o ro sysfs sys
pivot_root . mnt
cd /
umount -l /mnt

# The host's programs cannot be reached: nobody listens at a socket that is seen through an overlay. Those in /run go, so
# that a hook finds its service missing rather than broken.
find /run -xdev -type s -print 2>/dev/null >/dev/hidden || :
find /run -xdev -type s -delete 2>/dev/null || :

# The far side of every wire, in a network namespace that this shell alone keeps.
mkfifo /dev/ready
unshare --net sh -c 'echo ready >/dev/ready; exec sleep 1000' </dev/null >/dev/null 2>&1 &
peer=$!
read -r _ </dev/ready
exec 8<"/proc/$peer/ns/net"

: >/dev/network
: >/dev/peer
: >/dev/sysctl
while read -r kind line; do
    printf '%s\\n' "$line" >>"/dev/$kind"
done
ip link set lo up
sed -i "s/ netns peer$/ netns $peer/" /dev/network
ip -force -4 -batch /dev/network >/dev/log.network 2>&1 || :
nsenter --net="/proc/$peer/ns/net" ip -force -4 -batch /dev/peer >>/dev/log.network 2>&1 || :
while read -r path value; do
    printf '%s\\n' "$value" 2>/dev/null >"/proc/sys/$path" || :
done </dev/sysctl

see() {
    printf '%s ' "$1"
    base64 -w 0
    echo
}
look() {
    ip -j -4 addr show | see "addresses.$1"
    ip -j -4 route show table main | see "routes.$1"
    # A hook may have linked it to a file of /proc, which has no size and keeps its reader waiting.
    if [ -s /etc/resolv.conf ] && [ -f /etc/resolv.conf ]; then
        timeout -s KILL 5 head -c 1048576 /etc/resolv.conf | see "resolvConf.$1"
    elif [ -f /etc/resolv.conf ]; then
        see "resolvConf.$1" </dev/null
    fi
}
see hidden </dev/hidden
see network </dev/log.network
look before

rm -f /dev/ready /dev/hidden /dev/network /dev/peer /dev/sysctl /dev/log.network
if [ -n "$record" ]; then rm -f "$record"; fi
exec 9>/dev/output 7</dev/output
rm -f /dev/output
play() {
    status=0
    # Not as this shell's equal: its descriptors, its mounts and the other network namespace are out of reach.
    env -i "PATH=${CLIENT_PATH}" "interface=$interface" "pid=$pid" dad_wait_time=0 "$@" \\
        timeout -s KILL ${EVENT_LIMIT} setpriv --bounding-set '-all,${CAPABILITIES.map((name) => `+${name}`).join(',')}' \\
        "$script" </dev/null >&9 2>&1 7<&- 8<&- 9<&- || status=$?
    statuses="$statuses $status"
}
statuses=''
preinit() {
    shift "$count"
    play reason=PREINIT "$@"
}
if [ "$preinit" = before ]; then preinit "$@"; fi
play "$@"
if [ "$preinit" = after ]; then preinit "$@"; fi

# What the hooks left running would be in the way, and ends here.
left=0
for process in /proc/[0-9]*; do
    case "\${process#/proc/}" in 1 | "$peer") ;; *) left=$((left + 1)) ;; esac
done
kill -9 -1 2>/dev/null || :
wait
look after
echo "$statuses" | see statuses
if [ -n "$record" ] && [ ! -e "$record" ]; then echo no; else echo yes; fi | see ended
echo "$left" | see left
head -c 16384 <&7 | see output
echo end | see end
`;
