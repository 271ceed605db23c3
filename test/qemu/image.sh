# Makes the disk of a machine: an ext4 file system with a Debian tree and the service that runs what the test says.
#   sh image.sh TREE DISK
set -eu
here=$(dirname "$0")
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o "lowerdir=$1,upperdir=/mnt/upper,workdir=/mnt/work" /mnt/root
cd /mnt/root
echo '/dev/vda / ext4 defaults 0 0' >etc/fstab
echo machine >etc/hostname
: >etc/machine-id
: >etc/resolv.conf # debootstrap left this machine's there
cp "$here/channel.sh" usr/local/sbin/channel.sh
cp "$here/channel.service" etc/systemd/system/
mkdir -p etc/systemd/system/multi-user.target.wants
ln -s ../channel.service etc/systemd/system/multi-user.target.wants/
# What a package starts that a test starts itself, and what only costs time on a disk that is thrown away.
rm -f etc/systemd/system/*.wants/bird.service
ln -sf /dev/null etc/systemd/system/e2scrub_reap.service
# Twice what it holds, as a file with holes.
size=$(($(du -sm "$1" | cut -f1) * 2 + 512))
mke2fs -q -t ext4 -d . "$2" "${size}M"
