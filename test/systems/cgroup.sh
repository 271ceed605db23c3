# A control group for one booted machine, and its end: says the group's name, and when its standard input ends kills what
# is in it and removes it. In a session of its own, so that neither Ctrl-C nor the death of the test keeps it from that.
set -e
mount --make-rprivate /
mount -t cgroup2 cgroup2 /sys/fs/cgroup
# Of a name that nobody has: a process id comes again, and a group outlives whoever was killed before it could remove it.
name=$(basename "$(mktemp -d "/sys/fs/cgroup/holdfast-machine-$$-XXXXXX")")
chmod 755 "/sys/fs/cgroup/$name"
trap '' PIPE
echo "$name" 2>/dev/null || : # nobody may be there any more to hear it
cat >/dev/null
cd /sys/fs/cgroup
# Again and again: one may just be entering, and a killed process is in its group until its parent has taken note of it.
while [ -d "$name" ]; do
  echo 1 >"$name/cgroup.kill"
  find "$name" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.05
done
