/**
 * composeResolvConf (resolv-conf.ts) in sh, for the hooks that DHCP clients source at each lease. Both must give the
 * same bytes. The sh contains only literals from the configuration, single-quoted, and starts no process while nothing
 * changes.
 */
import type { DesiredDns } from '../config/desired.ts';
import { HEADER_GAP } from './header.ts';
import { COMMENT_KIND_SH } from './header-sh.ts';
import { managedKeywords, RESOLV_CONF, wantedLines } from './resolv-conf.ts';

/** The helper functions that composeFunction defines beside the requested function. */
export const COMPOSE_HELPERS = 'holdfast_comment';

/**
 * Lines of sh that set `holdfast_names` and `holdfast_servers` to lines of resolv.conf, for the settings that the
 * configuration leaves open.
 */
export interface Offered {
  readonly names: string;
  readonly servers: string;
}

/**
 * A function with the given name. It compares the file with the wanted file, and renames a new file into place if they
 * differ. It never fails. `offered` may use the function's local variables `holdfast_line`, `_word` and `_rest`, and
 * `_newline`. All variables bear our name. A variable that a neighbour has made read-only cannot become local, and a
 * loop that reads into it would never end.
 */
export function composeFunction(name: string, dns: DesiredDns, offered: Offered): string {
  const managed = managedKeywords(dns);
  const literal = (...keywords: (typeof managed)[number][]) => {
    return quote(keywords.map((keyword) => (managed.includes(keyword) ? wantedLines(dns, keyword) : '')).join(''));
  };
  const names = managed.includes('domain');
  const servers = managed.includes('nameserver');
  const always = managed.map((keyword) => keyword as string);
  const eachLine = (step: string) => `        # A last line without its line break is one, too.
        while holdfast_end="$holdfast_newline"; IFS= read -r holdfast_line || { holdfast_end=''; [ -n "$holdfast_line" ]; }; do
            holdfast_word=\${holdfast_line#"\${holdfast_line%%[! 	]*}"}
            holdfast_word=\${holdfast_word%%[ 	]*}
            case "$holdfast_word" in
            ${always.join(' | ')}) holdfast_word=ours ;;
${names ? '' : `            domain | search) if [ -n "$holdfast_names" ]; then holdfast_word=ours; fi ;;\n`}${
  servers ? '' : `            nameserver) if [ -n "$holdfast_servers" ]; then holdfast_word=ours; fi ;;\n`
}            [#\\;]*) holdfast_comment ;;
            *) holdfast_word=other ;;
            esac
${step}        done <"$holdfast_file"
`;
  return `holdfast_comment() {
${COMMENT_KIND_SH}}
${name}() {
    local holdfast_file='${RESOLV_CONF}' holdfast_names='' holdfast_servers='' holdfast_ours='' holdfast_found='' holdfast_placed='' holdfast_same=yes
    local holdfast_line holdfast_end holdfast_word holdfast_rest holdfast_temporary holdfast_wanted holdfast_block holdfast_pending holdfast_gap holdfast_newline='
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
        holdfast_block='' holdfast_pending='' holdfast_gap=''
        if [ -r "$holdfast_file" ] && [ -s "$holdfast_file" ]; then
${eachLine(WRITE).replace(/^(?=.)/gm, '    ')}        fi
        printf '%s' "$holdfast_pending"
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

/**
 * The file is right if no line is another program's header, and our lines stand together and are the wanted lines.
 * Comparing line by line keeps the cost linear, because a shell copies a whole text each time that it appends to the
 * text.
 */
const COMPARE = `            if [ "$holdfast_word" = header ]; then
                holdfast_same=''
                break
            elif [ "$holdfast_word" != ours ]; then
                if [ -z "$holdfast_end" ] || { [ -n "$holdfast_found" ] && [ "$holdfast_found" != "$holdfast_ours" ]; }; then
                    holdfast_same=''
                    break
                fi
            else
                holdfast_found="$holdfast_found$holdfast_line$holdfast_end"
                case "$holdfast_ours" in "$holdfast_found"*) ;; *) break ;; esac
            fi
`;

/**
 * The same rules as withoutHeaders and composeResolvConf. \`pending\` holds comments below a header's last line,
 * \`gap\` their number.
 */
const WRITE = `            case "$holdfast_block$holdfast_word" in
            *header)
                printf '%s' "$holdfast_pending"
                holdfast_block=in- holdfast_pending='' holdfast_gap=''
                continue
                ;;
            in-further)
                holdfast_pending='' holdfast_gap=''
                continue
                ;;
            in-comment | in-bare)
                if [ "\${#holdfast_gap}" -lt ${HEADER_GAP} ]; then
                    if [ "$holdfast_word$holdfast_gap" != bare ]; then
                        holdfast_gap="x$holdfast_gap"
                        holdfast_pending="$holdfast_pending$holdfast_line$holdfast_newline"
                    fi
                    continue
                fi
                ;;
            esac
            printf '%s' "$holdfast_pending"
            holdfast_block='' holdfast_pending='' holdfast_gap=''
            if [ "$holdfast_word" != ours ]; then
                printf '%s\\n' "$holdfast_line"
            else
                if [ -z "$holdfast_placed" ]; then printf '%s' "$holdfast_ours"; fi
                holdfast_placed=yes
            fi
`;

const FOLLOW = `    if [ -L "$holdfast_file" ]; then
        # Its folder is not there yet: the agent makes it.
        holdfast_file=$(readlink -f "$holdfast_file") || return 0
        case "$holdfast_file" in /proc/* | /sys/* | /dev/*) return 0 ;; esac
    fi
`;

/** Settings from a resolv.conf that the client itself has composed: the function's first argument. */
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

/** A literal for sh, in which the shell expands nothing. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
