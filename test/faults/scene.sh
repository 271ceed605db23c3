# A host of its own, in memory, for one fault; unshare(1) gives it namespaces of mounts and network.
#   sh scene.sh FOLDER: FOLDER/etc becomes its /etc, FOLDER/steps is run. All but FOLDER is gone when it ends.
set -u
mkdir -p /mnt
mount -t tmpfs none /mnt && mkdir /mnt/scene && mount --bind "$1" /mnt/scene &&
    mount -t tmpfs none /run && mkdir /run/tmp && mount -t tmpfs none /var/lib &&
    mount -t tmpfs -o mode=755 none /etc && cp -a /mnt/scene/etc/. /etc || exit 99
umask 022
export TMPDIR=/run/tmp
cd /mnt/scene

# look NAME: keeps what there is now, whole.
look() {
    mkdir "$1"
    cp -a /etc "$1/etc"
    find /etc /run /var/lib | grep -e '\.holdfast$' -e '^/run/tmp/.' -e dhclient.conf$ | grep -v '^/etc/dhcp/dhclient.conf$' >"$1/temporaries"
    cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/default/send_redirects >"$1/sysctls"
}

# agent NAME ARGUMENTS…: keeps what it says and its exit status; a fault comes in by "$inject".
inject=
agent() {
    name=$1
    shift
    $inject ./agent "$@" >"$name.output" 2>&1
    echo "$?" >"$name.status"
}

. ./steps
