# The first process of a throw-away host: makes its file system, says its process id, and lives until its standard input
# ends. As process 1 of its namespace it takes every other process with it, and with the last process go the
# namespaces, the interfaces and the files: nothing is left to clean up, not even after SIGKILL.
#   sh init.sh REPOSITORY
set -e
repository=$1
read -r pid rest </proc/self/stat

# Everything of the machine can be read and anything can be written, in memory: the machine itself is the lower layer.
mount --make-rprivate /
mount -t tmpfs -o mode=755 holdfast-lab /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work holdfast-lab /mnt/root
cd /mnt/root
mount --rbind /dev dev
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 run run
mount -t tmpfs tmp tmp
mkdir -p "./$repository"
mount --bind "$repository" "./$repository"
mount -o remount,ro,bind "./$repository"
pivot_root . mnt
cd /
umount -l /mnt

ip link set lo up
ip netns add server
echo "$pid"
cat >/dev/null
: # keeps the shell from becoming that cat: somebody must reap
