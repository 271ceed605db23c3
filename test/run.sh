# The tests of the given files, as npm's scripts run them: `sh test/run.sh [option of node --test]... FILE...`
# One that hangs is a failure, not the end of all: half an hour is far more than any test takes, and a file whose
# tests are done is done, whatever a failed one left open.
exec node --test --test-force-exit --test-timeout=1800000 "$@"
