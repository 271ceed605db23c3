/**
 * composeResolvConf (resolv-conf.ts) in sh, for the hooks that DHCP clients source at each lease: the two must give the
 * same bytes. Only literals from the configuration, single-quoted; no process is started while nothing changes.
 */
import type { DesiredDns } from '../config/desired.ts';
import { HEADERS, managedKeywords, RESOLV_CONF, wantedLines } from './resolv-conf.ts';

/** Lines of sh that set `holdfast_names`, and `holdfast_servers`, to lines of resolv.conf: what the configuration leaves open. */
export interface Offered {
  readonly names: string;
  readonly servers: string;
}

/**
 * A function of that name: compares the file with the wanted one and renames it into place where they differ. It never
 * fails. `offered` may use its local variables `holdfast_line`, `_word` and `_rest`, and `_newline`. All bear our name: what
 * a neighbour has made read-only can be no local variable, and a loop that reads into it never ends.
 */
export function composeFunction(name: string, dns: DesiredDns, offered: Offered): string {
  const managed = managedKeywords(dns);
  const literal = (...keywords: (typeof managed)[number][]) => {
    return quote(keywords.map((keyword) => (managed.includes(keyword) ? wantedLines(dns, keyword) : '')).join(''));
  };
  const names = managed.includes('domain');
  const servers = managed.includes('nameserver');
  const always = managed.map((keyword) => keyword as string);
  const eachLine = (steps: LineSteps) => `        # A last line without its line break is one, too.
        while holdfast_end="$holdfast_newline"; IFS= read -r holdfast_line || { holdfast_end=''; [ -n "$holdfast_line" ]; }; do
            holdfast_word=\${holdfast_line#"\${holdfast_line%%[! 	]*}"}
            holdfast_word=\${holdfast_word%%[ 	]*}
            case "$holdfast_word" in
            ${always.join(' | ')}) holdfast_word=ours ;;
${names ? '' : `            domain | search) if [ -n "$holdfast_names" ]; then holdfast_word=ours; fi ;;\n`}${
  servers ? '' : `            nameserver) if [ -n "$holdfast_servers" ]; then holdfast_word=ours; fi ;;\n`
}            [#\\;]*) holdfast_word=other; case "$holdfast_line" in ${HEADERS.map((one) => `*${quoted(one)}*`).join(' | ')}) holdfast_word=header ;; esac ;;
            *) holdfast_word=other ;;
            esac
            if [ "$holdfast_word" = header ]; then
${steps.header}            elif [ "$holdfast_word" != ours ]; then
${steps.other}            else
${steps.ours}            fi
        done <"$holdfast_file"
`;
  return `${name}() {
    local holdfast_file='${RESOLV_CONF}' holdfast_names='' holdfast_servers='' holdfast_ours='' holdfast_found='' holdfast_placed='' holdfast_same=yes
    local holdfast_line holdfast_end holdfast_word holdfast_rest holdfast_temporary holdfast_wanted holdfast_newline='
'
${dns.symlink === 'follow' ? FOLLOW : ''}${names ? `    holdfast_names=${literal('domain', 'search')}\n` : offered.names}${
  servers ? `    holdfast_servers=${literal('nameserver')}\n` : offered.servers
}    holdfast_ours="$holdfast_names$holdfast_servers"${literal('sortlist', 'options')}
    # A named pipe would be waited for, a device be renamed over.
    if [ -e "$holdfast_file" ] && [ ! -f "$holdfast_file" ]; then
        return 0
    fi
    # A file of /proc has no size, and may make its reader wait.
    if [ -r "$holdfast_file" ] && [ -s "$holdfast_file" ]; then
${eachLine(COMPARE)}    fi
    if [ -n "$holdfast_same" ] && [ "$holdfast_found" = "$holdfast_ours" ] && [ -e "$holdfast_file" ]; then
        return 0
    fi
    # Each dhclient (IPv4 and IPv6 on one interface) has its own; the next event of one takes what a killed one left.
    holdfast_temporary="\${holdfast_file%/*}/.resolv.conf.holdfast.$PPID"
    holdfast_wanted=$(
        umask 022
        printf '' 2>/dev/null >|"$holdfast_temporary" || :
        if [ -r "$holdfast_file" ] && [ -s "$holdfast_file" ]; then
${eachLine(WRITE).replace(/^(?=.)/gm, '    ')}        fi
        if [ -z "$holdfast_placed" ]; then
            printf '%s' "$holdfast_ours"
        fi
        # Without it the last line breaks would be lost.
        echo end
    ) || holdfast_wanted=''
    # What made the text was killed, or could not write all of it: the file stays as it is.
    case "$holdfast_wanted" in
    *end) holdfast_wanted=\${holdfast_wanted%end} ;;
    *)
        rm -f -- "$holdfast_temporary" 2>/dev/null || :
        return 0
        ;;
    esac
    if printf '%s' "$holdfast_wanted" 2>/dev/null >|"$holdfast_temporary"; then
        cp --attributes-only --preserve=all -- "$holdfast_file" "$holdfast_temporary" 2>/dev/null || :
        sync -- "$holdfast_temporary" 2>/dev/null || :
        # A bind-mounted file cannot be renamed over: written in place, and put back where that fails (a full disk). By the
        # shell itself: a neighbouring hook's PATH may lead to no program, and the file would be empty.
        mv -fT -- "$holdfast_temporary" "$holdfast_file" 2>/dev/null ||
            if [ -s "$holdfast_temporary" ]; then
                holdfast_rest=$(cat -- "$holdfast_file" 2>/dev/null && echo end) || holdfast_rest=''
                printf '%s' "$holdfast_wanted" 2>/dev/null >|"$holdfast_file" || printf '%s' "\${holdfast_rest%end}" 2>/dev/null >|"$holdfast_file" || :
            fi
    elif [ ! -w "\${holdfast_file%/*}" ] && [ -w "$holdfast_file" ]; then
        # The client's service may write this file and nothing beside it (ProtectSystem= and ReadWritePaths= of systemd).
        holdfast_rest=$(cat -- "$holdfast_file" 2>/dev/null && echo end) || holdfast_rest=''
        printf '%s' "$holdfast_wanted" 2>/dev/null >|"$holdfast_file" || printf '%s' "\${holdfast_rest%end}" 2>/dev/null >|"$holdfast_file" || :
    fi
    rm -f -- "$holdfast_temporary" 2>/dev/null || :
    return 0
}
`;
}

/** What is done with a line that is ours (of a keyword that is configured), with another program's header, and with every other one. */
interface LineSteps {
  readonly header: string;
  readonly ours: string;
  readonly other: string;
}

/**
 * The file is right where our lines stand together and are the wanted ones. To look for that line by line keeps the cost
 * linear: a shell copies all of a text that it appends to.
 */
const COMPARE: LineSteps = {
  header: `                holdfast_same=''
                break
`,
  other: `                if [ -z "$holdfast_end" ] || { [ -n "$holdfast_found" ] && [ "$holdfast_found" != "$holdfast_ours" ]; }; then
                    holdfast_same=''
                    break
                fi
`,
  ours: `                holdfast_found="$holdfast_found$holdfast_line$holdfast_end"
                case "$holdfast_ours" in "$holdfast_found"*) ;; *) break ;; esac
`,
};

const WRITE: LineSteps = {
  header: `                :
`,
  other: `                printf '%s\\n' "$holdfast_line"
`,
  ours: `                if [ -z "$holdfast_placed" ]; then printf '%s' "$holdfast_ours"; fi
                holdfast_placed=yes
`,
};

/** Blanks of a pattern are literal in quotes only. */
function quoted(pattern: string): string {
  return pattern
    .split('*')
    .map((part) => `'${part}'`)
    .join('*');
}

const FOLLOW = `    if [ -L "$holdfast_file" ]; then
        # Its folder is not there yet: the agent makes it.
        holdfast_file=$(readlink -f "$holdfast_file") || return 0
        case "$holdfast_file" in /proc/* | /sys/* | /dev/*) return 0 ;; esac
    fi
`;

/** From a resolv.conf that the client itself has put together: the function's first argument. */
export const OFFERED_IN_FILE: Offered = {
  names: `    if [ -r "\${1-}" ]; then
        while IFS= read -r holdfast_line || [ -n "$holdfast_line" ]; do
            case "$holdfast_line" in
            *[!A-Za-z0-9._\\ -]*) ;;
            'domain '?* | 'search '?*) holdfast_names="$holdfast_names$holdfast_line$holdfast_newline" ;;
            esac
        done <"$1"
    fi
`,
  servers: `    if [ -r "\${1-}" ]; then
        while IFS= read -r holdfast_line || [ -n "$holdfast_line" ]; do
            holdfast_word=\${holdfast_line#nameserver }
            case "$holdfast_word" in
            '' | "$holdfast_line" | *[!0-9A-Za-z.:%_-]*) ;;
            *) holdfast_servers="\${holdfast_servers}nameserver $holdfast_word$holdfast_newline" ;;
            esac
        done <"$1"
    fi
`,
};

/** A literal for sh: nothing in it is expanded. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
