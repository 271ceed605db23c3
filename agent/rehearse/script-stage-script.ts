/**
 * The shell script that makes the stage of a rehearsal (script-stage.ts) and plays the event, as process 1 of its namespaces.
 */
import { LIMITED, STAGE_FILES, STAGE_LOOK, STAGE_NETWORK } from './stage-parts.ts';

/** Seconds that dhclient-script may take. It usually takes 0.1 s. */
const EVENT_LIMIT = 20;

/** dhclient's own PATH (CLIENT_PATH of 4.4.3). */
const CLIENT_PATH = '/usr/sbin:/sbin:/bin:/usr/sbin:/usr/bin';

/**
 *   sh -euc STAGE_SCRIPT rehearsal NAME=VALUE...
 * The arguments are the event's variables, `count` of them, followed by the variables of every event. The environment has
 * `interface`, `script`, `preinit` (before, after or empty), `boot` (yes or empty), `pid`, `count` and `record`. Each line
 * of standard input is a kind and a text: `network` and `peer` for ip -batch, `sysctl` with a path and a value. Each line
 * of standard output is a name and a result in base64.
 */
export const STAGE_SCRIPT = `${STAGE_FILES}
# The far side of every wire, in a network namespace that this shell alone keeps.
mkfifo /dev/ready
unshare --net sh -c 'echo ready >/dev/ready; exec sleep 1000' </dev/null >/dev/null 2>&1 &
peer=$!
read -r _ </dev/ready
exec 8<"/proc/$peer/ns/net"

${STAGE_NETWORK}
while read -r kind line; do
    collect "$kind" "$line"
done
build
${STAGE_LOOK}
see hidden </dev/hidden
look before

rm -f /dev/ready /dev/hidden
if [ -n "$record" ]; then rm -f "$record"; fi
exec 9>/dev/output 7</dev/output
rm -f /dev/output
play() {
    status=0
    # Not as this shell's equal: its descriptors, its mounts and the other network namespace are out of reach.
    env -i "PATH=${CLIENT_PATH}" "interface=$interface" "pid=$pid" dad_wait_time=0 "$@" \\
        timeout -s KILL ${EVENT_LIMIT} ${LIMITED} \\
        "$script" </dev/null >&9 2>&1 7<&- 8<&- 9<&- || status=$?
    statuses="$statuses $status"
}
statuses=''
preinit() {
    shift "$count"
    play reason=PREINIT "$@"
}
if [ "$preinit" = before ]; then preinit "$@"; fi
play "$@"
if [ "$preinit" = after ]; then preinit "$@"; fi

# What the hooks left running would be in the way, and ends here.
left=0
for process in /proc/[0-9]*; do
    case "\${process#/proc/}" in 1 | "$peer") ;; *) left=$((left + 1)) ;; esac
done
kill -9 -1 2>/dev/null || :
wait
look after
echo "$statuses" | see statuses
if [ -n "$record" ] && [ ! -e "$record" ]; then echo no; else echo yes; fi | see ended
echo "$left" | see left
head -c 16384 <&7 | see output
echo end | see end
`;
