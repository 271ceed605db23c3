/**
 * The shell script that makes the stage of a running DHCP client (live-stage.ts), as process 1 of its namespaces. It does
 * what its standard input says, line by line, and ends with it.
 */
import { LIMITED, STAGE_FILES, STAGE_LOOK, STAGE_NETWORK } from './stage-parts.ts';

/** A service's PATH (systemd.exec(5)). */
const SERVICE_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 *   sh -euc LIVE_STAGE_SCRIPT rehearsal PROGRAM ARGUMENT...
 * The environment has `boot` (yes or empty), `server` (the process whose network namespace is the far side),
 * `agent` (our own process), `kept` (a folder in /run that stays at a boot, or empty), `resolv` (the file to look at)
 * and `script` (the client's script, or empty). Descriptor 3 gets a line for each run of the script that ended: its reason, its
 * interface, its exit status, and `muted` if nothing was done. A muted script does nothing, so that the client comes to a
 * lease without a trace in the host's files.
 */
export const LIVE_STAGE_SCRIPT = `
# Never the host's own network, which agent is in.
if [ "$(readlink "/proc/$server/ns/net")" = "$(readlink "/proc/$agent/ns/net")" ]; then exit 1; fi
exec 8<"/proc/$server/ns/net"
${STAGE_FILES}${STAGE_NETWORK}${STAGE_LOOK}
see hidden </dev/hidden
rm -f /dev/hidden
: >/dev/output
exec 7</dev/output

# Whoever writes into the pipe, its reader never sees an end.
mkfifo /dev/events
cat <>/dev/events >&3 7<&- 8<&- &
reader=$!
exec 3>&-

if [ -n "$script" ]; then
    cat >/dev/wrapper <<'END'
#!/bin/sh
# udhcpc names the event in its argument, not in a variable.
reason=\${reason:-\${1-}}
if [ -e /dev/muted ]; then
    echo "$reason $interface 0 muted" >/dev/events
    exit 0
fi
status=0
/dev/script "$@" || status=$?
echo "$reason $interface $status" >/dev/events
exit "$status"
END
    chmod 755 /dev/wrapper
    script=$(readlink -f "$script")
    : >/dev/script
    mount --bind "$script" /dev/script
    mount --bind /dev/wrapper "$script"
fi

client=
start() {
    env -i "PATH=${SERVICE_PATH}" ${LIMITED} "$@" </dev/null >>/dev/output 2>&1 7<&- 8<&- &
    client=$!
}
while read -r word rest; do
    case "$word" in
    network | peer | network6 | peer6 | advertiser | sysctl) collect "$word" "$rest" ;;
    build) build ;;
    # A path, the time of its last change in seconds, and its bytes in base64.
    put)
        path=\${rest%% *}
        rest=\${rest#* }
        echo "\${rest#* }" | base64 -d >"$path"
        touch -d "@\${rest%% *}" "$path"
        ;;
    remove) rm -rf "$rest" ;;
    mute) : >/dev/muted ;;
    unmute) rm -f /dev/muted ;;
    start) start "$@" ;;
    # A family, and a line of ip -batch.
    change)
        echo "\${rest#* }" >/dev/change
        ip -force "-\${rest%% *}" -batch /dev/change >/dev/null 2>&1 || :
        ;;
    signal) kill -s "$rest" "$client" 2>/dev/null || : ;;
    look) look "$rest" ;;
    esac
    echo "$word" | see 'done'
done

left=0
for process in /proc/[0-9]*; do
    case "\${process#/proc/}" in 1 | "$reader" | "$client") ;; *) left=$((left + 1)) ;; esac
done
kill -9 -1 2>/dev/null || :
wait
echo "$left" | see left
head -c 16384 <&7 | see output
echo end | see end
`;
