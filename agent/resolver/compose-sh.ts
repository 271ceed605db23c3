/**
 * composeResolvConf (resolv-conf.ts) in sh, for the hooks that DHCP clients source at each lease: the two must give the
 * same bytes. Only literals from the configuration, single-quoted; no process is started while nothing changes.
 */
import type { DesiredDns } from '../config/desired.ts';
import { HEADERS, managedKeywords, RESOLV_CONF, wantedLines } from './resolv-conf.ts';

/** Lines of sh that set `names`, and `servers`, to lines of resolv.conf: what the configuration leaves open. */
export interface Offered {
  readonly names: string;
  readonly servers: string;
}

/**
 * A function of that name: compares the file with the wanted one and renames it into place where they differ. It never
 * fails. `offered` may use its local variables `line`, `word` and `rest`, and `newline`.
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
        while end="$newline"; IFS= read -r line || { end=''; [ -n "$line" ]; }; do
            word=\${line#"\${line%%[! 	]*}"}
            word=\${word%%[ 	]*}
            case "$word" in
            ${always.join(' | ')}) word=ours ;;
${names ? '' : `            domain | search) if [ -n "$names" ]; then word=ours; fi ;;\n`}${
  servers ? '' : `            nameserver) if [ -n "$servers" ]; then word=ours; fi ;;\n`
}            [#\\;]*) word=other; case "$line" in ${HEADERS.map((one) => `*${quoted(one)}*`).join(' | ')}) word=header ;; esac ;;
            *) word=other ;;
            esac
            if [ "$word" = header ]; then
${steps.header}            elif [ "$word" != ours ]; then
${steps.other}            else
${steps.ours}            fi
        done <"$file"
`;
  return `${name}() {
    local file='${RESOLV_CONF}' names='' servers='' ours='' found='' placed='' same=yes line end word rest temporary wanted newline='
'
${dns.symlink === 'follow' ? FOLLOW : ''}${names ? `    names=${literal('domain', 'search')}\n` : offered.names}${
  servers ? `    servers=${literal('nameserver')}\n` : offered.servers
}    ours="$names$servers"${literal('sortlist', 'options')}
    # A named pipe would be waited for, a device be renamed over.
    if [ -e "$file" ] && [ ! -f "$file" ]; then
        return 0
    fi
    # A file of /proc has no size, and may make its reader wait.
    if [ -r "$file" ] && [ -s "$file" ]; then
${eachLine(COMPARE)}    fi
    if [ -n "$same" ] && [ "$found" = "$ours" ] && [ -e "$file" ]; then
        return 0
    fi
    # Each dhclient (IPv4 and IPv6 on one interface) has its own; the next event of one takes what a killed one left.
    temporary="\${file%/*}/.resolv.conf.holdfast.$PPID"
    wanted=$(
        umask 022
        printf '' 2>/dev/null >|"$temporary" || :
        if [ -r "$file" ] && [ -s "$file" ]; then
${eachLine(WRITE).replace(/^(?=.)/gm, '    ')}        fi
        if [ -z "$placed" ]; then
            printf '%s' "$ours"
        fi
        # Without it the last line breaks would be lost.
        echo end
    ) || wanted=''
    # What made the text was killed, or could not write all of it: the file stays as it is.
    case "$wanted" in
    *end) wanted=\${wanted%end} ;;
    *)
        rm -f -- "$temporary" 2>/dev/null || :
        return 0
        ;;
    esac
    if printf '%s' "$wanted" 2>/dev/null >|"$temporary"; then
        cp --attributes-only --preserve=all -- "$file" "$temporary" 2>/dev/null || :
        sync -- "$temporary" 2>/dev/null || :
        # A bind-mounted file cannot be renamed over: written in place, and put back where that fails (a full disk). By the
        # shell itself: a neighbouring hook's PATH may lead to no program, and the file would be empty.
        mv -fT -- "$temporary" "$file" 2>/dev/null ||
            if [ -s "$temporary" ]; then
                rest=$(cat -- "$file" 2>/dev/null && echo end) || rest=''
                printf '%s' "$wanted" 2>/dev/null >|"$file" || printf '%s' "\${rest%end}" 2>/dev/null >|"$file" || :
            fi
    elif [ ! -w "\${file%/*}" ] && [ -w "$file" ]; then
        # The client's service may write this file and nothing beside it (ProtectSystem= and ReadWritePaths= of systemd).
        rest=$(cat -- "$file" 2>/dev/null && echo end) || rest=''
        printf '%s' "$wanted" 2>/dev/null >|"$file" || printf '%s' "\${rest%end}" 2>/dev/null >|"$file" || :
    fi
    rm -f -- "$temporary" 2>/dev/null || :
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
  header: `                same=''
                break
`,
  other: `                if [ -z "$end" ] || { [ -n "$found" ] && [ "$found" != "$ours" ]; }; then
                    same=''
                    break
                fi
`,
  ours: `                found="$found$line$end"
                case "$ours" in "$found"*) ;; *) break ;; esac
`,
};

const WRITE: LineSteps = {
  header: `                :
`,
  other: `                printf '%s\\n' "$line"
`,
  ours: `                if [ -z "$placed" ]; then printf '%s' "$ours"; fi
                placed=yes
`,
};

/** Blanks of a pattern are literal in quotes only. */
function quoted(pattern: string): string {
  return pattern
    .split('*')
    .map((part) => `'${part}'`)
    .join('*');
}

const FOLLOW = `    if [ -L "$file" ]; then
        # Its folder is not there yet: the agent makes it.
        file=$(readlink -f "$file") || return 0
        case "$file" in /proc/* | /sys/* | /dev/*) return 0 ;; esac
    fi
`;

/** From a resolv.conf that the client itself has put together: the function's first argument. */
export const OFFERED_IN_FILE: Offered = {
  names: `    if [ -r "\${1-}" ]; then
        while IFS= read -r line || [ -n "$line" ]; do
            case "$line" in
            *[!A-Za-z0-9._\\ -]*) ;;
            'domain '?* | 'search '?*) names="$names$line$newline" ;;
            esac
        done <"$1"
    fi
`,
  servers: `    if [ -r "\${1-}" ]; then
        while IFS= read -r line || [ -n "$line" ]; do
            word=\${line#nameserver }
            case "$word" in
            '' | "$line" | *[!0-9A-Za-z.:%_-]*) ;;
            *) servers="\${servers}nameserver $word$newline" ;;
            esac
        done <"$1"
    fi
`,
};

/** A literal for sh: nothing in it is expanded. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
