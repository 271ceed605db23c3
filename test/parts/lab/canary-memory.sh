# Runs a program beside a memory cgroup (v1) of 1 MiB, in which what is too much is refused, not killed for. The cgroup goes
# with this shell, which outlives whoever started it: the program has to end with its standard input.
#   sh canary-memory.sh CGROUP PROGRAM [ARGUMENT …]
# PIPE: of a program that was killed the shell tells, to whoever may be gone.
trap '' HUP INT PIPE TERM
cgroup=$1
shift
mkdir "$cgroup" || exit
trap 'rmdir "$cgroup"' EXIT
echo 1M >"$cgroup/memory.limit_in_bytes" && echo 1 >"$cgroup/memory.oom_control" && "$@"
