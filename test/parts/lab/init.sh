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
# Devices of its own: what a test does to /dev/null must not be done to the machine's.
mount -t tmpfs -o mode=755 dev dev
mknod -m 666 dev/null c 1 3
mknod -m 666 dev/zero c 1 5
mknod -m 666 dev/full c 1 7
mknod -m 666 dev/random c 1 8
mknod -m 666 dev/urandom c 1 9
mknod -m 644 dev/kmsg c 1 11
mknod -m 666 dev/tty c 5 0
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 run run
mount -t tmpfs tmp tmp
# In a checkout that shares its packages with another one they lie elsewhere. Not by the overlay: two are all that may be stacked.
for folder in "$repository" "$(readlink -f "$repository/node_modules")"; do
    mkdir -p "./$folder"
    mount --bind "$folder" "./$folder"
    mount -o remount,ro,bind "./$folder"
done
pivot_root . mnt
cd /
umount -l /mnt

ip link set lo up
ip netns add server
echo "$pid"
cat >/dev/null
: # keeps the shell from becoming that cat: somebody must reap
