# The tests of the given files, as npm's scripts run them: `sh test/run.sh [option of node --test]... FILE...`
# What hangs is a failure, not the end of all: half an hour is far more than any test takes, and an hour than all together.
# (--test-force-exit is not the way: it ends a file before all that its tests have said is read, and loses some of them.)
[ "$(id -u)" = 0 ] || echo "Not root: tests on throw-away hosts, which need network and mount namespaces, are skipped, and each says so."
# What a test writes for root must be root's alone, or the agent would not believe it.
umask 022
exec timeout --foreground 3600 node --test --test-timeout=1800000 "$@"
