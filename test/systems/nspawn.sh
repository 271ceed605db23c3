# Boots the system below a folder, as process 1 of a container: says its own process id, and becomes systemd-nspawn.
# The control groups are those of the machine, as one plain hierarchy: systemd takes no other, and not a part of a mixture.
#   sh nspawn.sh CGROUP FOLDER REPOSITORY NODE_MODULES
set -e
mountpoint -q /sys/fs/cgroup || mount -t cgroup2 cgroup2 /sys/fs/cgroup
echo $$ >"/sys/fs/cgroup/$1/cgroup.procs"
echo $$
# The network's part of /proc/sys is the container's own, so it may write there; of the rest of it, and of /sys, it may not.
# Without the filter by bpf, IPAddressDeny and DevicePolicy are accepted and do nothing. Started within the container's
# network, since the /sys of the container shows the interfaces of whoever mounts it.
export SYSTEMD_NSPAWN_API_VFS_WRITABLE=network
exec nsenter --net=/run/netns/machine systemd-nspawn --boot --quiet --directory="$2" --machine=machine --hostname=machine --register=no --keep-unit \
  --network-namespace-path=/run/netns/machine --console=pipe --link-journal=no --resolv-conf=off --timezone=off \
  --system-call-filter=bpf --capability=all --drop-capability=CAP_SYS_MODULE \
  --bind-ro="$3" --bind-ro="$4" </dev/null 2>&1
