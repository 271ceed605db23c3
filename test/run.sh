# The tests of the given files, as npm's scripts run them: `sh test/run.sh [option of node --test]... FILE...`
# What hangs is a failure, not the end of all: half an hour is far more than any test takes, and an hour than all together.
# (--test-force-exit is not the way: it ends a file before all that its tests have said is read, and loses some of them.)
exec timeout --foreground 3600 node --test --test-timeout=1800000 "$@"
