/** The comments of header.ts in sh. Apart from it, because an `apply` that changes nothing writes no hook. */
import { CERTAIN, CONTINUED, PEOPLE, PERHAPS_PROGRAMS, PROGRAMS } from './header.ts';

/** Lines of sh that set `holdfast_word` to the kind of the comment in `holdfast_line`. */
export const COMMENT_KIND_SH = `case "$holdfast_line" in
${PEOPLE.flatMap((one) => [`*${glob(one)}`, `*${glob(one)}[!A-Za-z0-9_-]*`]).join(' | ')}) holdfast_word=person ;;
${anywhere(CERTAIN)}) holdfast_word=header ;;
*)
    holdfast_word=comment
    case "$holdfast_line" in ${anywhere(CONTINUED)}) holdfast_word=further ;; *[!\\#\\;\\ \\\t]*) ;; *) holdfast_word=bare ;; esac
    case "$holdfast_line" in ${anywhere(PERHAPS_PROGRAMS)}) case "$holdfast_line" in ${anywhere(PROGRAMS)}) holdfast_word=header ;; esac ;; esac
    ;;
esac
`;

function anywhere(patterns: readonly string[]): string {
  return patterns.map((pattern) => `*${glob(pattern)}*`).join(' | ');
}

/** A pattern for a `case` of sh: letters match in either case, all other characters literally. */
function glob(pattern: string): string {
  return pattern.replace(/\[dn\]|\*|[a-z]|[^a-z]/g, (part) => {
    if (part === '[dn]') return '[DdNn]';
    if (/[a-z]/.test(part)) return `[${part.toUpperCase()}${part}]`;
    return /[*\w:.-]/.test(part) ? part : `\\${part}`;
  });
}
