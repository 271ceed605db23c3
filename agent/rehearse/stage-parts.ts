/**
 * The parts of the scripts that make a stage, which every rehearsal has: the host's files below a layer in memory, the
 * copy of its network, and the looks at the result. They are text for `sh -eu`.
 */
import { WITHOUT_SIX } from '../clients/six-sh.ts';

/**
 * The capabilities of hooks on the stage. Those that reach past the namespaces are left out: modules, the clock, raw
 * devices, mounts, files by their handle, other processes' memory (capabilities(7)).
 */
const CAPABILITIES = [
  ...['chown', 'dac_override', 'fowner', 'fsetid', 'kill', 'setgid', 'setuid', 'setpcap', 'sys_chroot', 'setfcap'],
  ...['net_admin', 'net_raw', 'net_bind_service', 'net_broadcast'],
];

/** setpriv(1) in front of a program of the stage. */
export const LIMITED = `setpriv --bounding-set '-all,${CAPABILITIES.map((name) => `+${name}`).join(',')}'`;

/** The host's files, with `boot` (yes or empty) as after the machine's start; devices, and /proc of this stage. */
export const STAGE_FILES = `
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
    if [ -n "\${kept-}" ] && [ -d ".$kept" ]; then cp -a ".$kept" /mnt/kept; fi
    mount -t tmpfs -o mode=755,size=64m run run
    if [ -d /mnt/kept ]; then
        mkdir -p ".\${kept%/*}"
        cp -a /mnt/kept ".$kept"
    fi
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
`;

/**
 * Descriptor 8 is the network namespace at the far side of every wire. `collect kind text` takes a line of the network
 * (`network`, `peer`, and `network6`, `peer6` for IPv6, for ip -batch, `sysctl` with a path and a value), and `build` makes it.
 * Lines of the kind `advertiser` also are for ip -batch. They are made as a whole: `build` prints whether the kernel can.
 */
export const STAGE_NETWORK = `
: >/dev/network
: >/dev/peer
: >/dev/network6
: >/dev/peer6
: >/dev/sysctl
: >/dev/advertiser
collect() {
    printf '%s\\n' "$2" >>"/dev/$1"
}
build() {
    ip link set lo up
    sed -i 's, netns peer$, netns /proc/self/fd/8,' /dev/network
    ip -force -4 -batch /dev/network >/dev/null 2>&1 || :
    # A link comes up only with its far side, so its IPv6 addresses are there before.
    ip -force -6 -batch /dev/network6 >/dev/null 2>&1 || :
    if [ -s /dev/advertiser ]; then
        # A neighbour that does not forward is no router (RFC 4861, 7.2.5).
        if nsenter --net=/proc/self/fd/8 ip -batch /dev/advertiser >/dev/null 2>&1 &&
            nsenter --net=/proc/self/fd/8 sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/forwarding' 2>/dev/null; then
            echo yes | see advertises
        else
            : >${WITHOUT_SIX}
        fi
    fi
    nsenter --net=/proc/self/fd/8 ip -force -6 -batch /dev/peer6 >/dev/null 2>&1 || :
    nsenter --net=/proc/self/fd/8 ip -force -4 -batch /dev/peer >/dev/null 2>&1 || :
    while read -r path value; do
        printf '%s\\n' "$value" 2>/dev/null >"/proc/sys/$path" || :
    done </dev/sysctl
    rm -f /dev/network /dev/peer /dev/network6 /dev/peer6 /dev/sysctl /dev/advertiser
}
`;

/**
 * `look NAME` prints addresses and routes of both families, and resolv.conf, or the file that `resolv` names. A printed line is a name and a text in
 * base64.
 */
export const STAGE_LOOK = `
see() {
    printf '%s ' "$1"
    base64 -w 0
    echo
}
look() {
    ip -j -4 addr show | see "addresses.$1"
    ip -j -4 route show table main | see "routes.$1"
    ip -j -6 addr show | see "addresses6.$1"
    ip -j -6 route show table main | see "routes6.$1"
    # A hook may have linked it to a file of /proc, which has no size and keeps its reader waiting.
    file=\${resolv:-/etc/resolv.conf}
    if [ -s "$file" ] && [ -f "$file" ]; then
        timeout -s KILL 5 head -c 1048576 "$file" | see "resolvConf.$1"
    elif [ -f "$file" ]; then
        see "resolvConf.$1" </dev/null
    fi
}
`;
