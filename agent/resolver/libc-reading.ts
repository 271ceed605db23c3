/**
 * resolv.conf as glibc reads it (res_vinit of resolv/res_init.c, 2.26 and later). A keyword stands in lower case at the
 * very beginning of a line, and a blank or a tab follows. A line ends with its line feed, and a carriage return before
 * the line feed belongs to the last word.
 */
import { isIPv6 } from 'node:net';
import { resolvOptionProblem } from '../config/notation/resolv-options.ts';
import { KEYWORDS, type Keyword } from './resolv-conf.ts';

export interface LibcReading {
  /** In file order, as addresses in their usual notation. The list has more than three entries if the file does. */
  readonly nameserver: readonly string[];
  /** From the last line that counts; null if no line sets it. A later `search` overrules it, if that is not null. */
  readonly domain: readonly string[] | null;
  /** From the last line that counts; null if no line sets it, or a later `domain` overrules it. */
  readonly search: readonly string[] | null;
  /** Pairs and addresses as written. The list has more than ten entries if the file does. */
  readonly sortlist: readonly string[];
  /** The options of all lines. */
  readonly options: readonly string[];
  /** Lines with an effect, in file order, including lines that a later line overrules. */
  readonly lines: readonly UsedLine[];
  /** Lines, or parts of lines, that seem to have a meaning but that glibc ignores. */
  readonly unused: readonly UnusedLine[];
}

interface UsedLine {
  /** From 1. */
  readonly line: number;
  readonly keyword: Keyword;
  readonly values: readonly string[];
}

export interface UnusedLine {
  /** From 1. */
  readonly line: number;
  /** The likely keyword of the line; null if it is no keyword of resolv.conf(5). */
  readonly keyword: Keyword | null;
  /** A sentence without its full stop. */
  readonly why: string;
  /** glibc never finishes reading the file, so every program that looks up a name hangs. */
  readonly hangs?: true;
}

/** `text`: latin1. */
export function readAsLibc(text: string): LibcReading {
  const lines: UsedLine[] = [];
  const unused: UnusedLine[] = [];
  const searches: number[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const row = raw.split('\0', 1)[0] as string;
    if (/^[#;]/.test(row)) continue;
    const behind = behindNul(row, raw);
    if (behind !== null) unused.push({ line: index + 1, ...behind });
    const [, keyword, rest] = (/^(domain|search|nameserver|sortlist|options)[ \t]+(.*)$/s.exec(row) ?? []) as [
      unknown?,
      Keyword?,
      string?,
    ];
    const tell = (about: Keyword | null, why: string) => unused.push({ line: index + 1, keyword: about, why });
    if (keyword === undefined || rest === undefined) {
      const why = behind === null ? meant(row) : null;
      if (why !== null) tell(...why);
      continue;
    }
    const words = rest.split(/[ \t]+/).filter((word) => word !== '');
    const { taken, why } = READERS[keyword](words);
    if (taken.length > 0) lines.push({ line: index + 1, keyword, values: taken });
    if (taken.length > 0 && keyword === 'search') searches.push(index + 1);
    // Both keywords set the same list of suffixes. A `domain` before the last `search` is normal: dhclient-script
    // writes it.
    if (taken.length > 0 && keyword === 'domain') {
      for (const line of searches.splice(0))
        unused.push({ line, keyword: 'search', why: `the "domain" of line ${index + 1} overrules it` });
    }
    if (keyword === 'sortlist' && ENDLESS.test(rest))
      unused.push({ line: index + 1, keyword, why: HANGS, hangs: true });
    else if (why !== null) tell(keyword, why);
    else if (words.length === 0 && behind === null) tell(keyword, `"${keyword}" has no value`);
  }
  const of = (keyword: Keyword) => lines.filter((one) => one.keyword === keyword).map(({ values }) => values);
  return {
    nameserver: of('nameserver').flat(),
    domain: of('domain').at(-1) ?? null,
    search: searches.length === 0 ? null : of('search').at(-1)!,
    sortlist: of('sortlist').flat(),
    options: of('options').flat(),
    lines,
    unused,
  };
}

/** The value that the C library reads for one keyword; null if the file does not set it. `text`: latin1. */
export function effectiveValues(text: string, keyword: Keyword): readonly string[] | null {
  const reading = readAsLibc(text);
  const values = reading[keyword];
  if (values !== null && values.length > 0) return values;
  return reading.unused.some((one) => one.keyword === keyword) ? [] : null;
}

interface Read {
  readonly taken: string[];
  readonly why: string | null;
}

const CARRIAGE_RETURN =
  'it ends with a carriage return (a file from Windows), which libc takes for a part of its last word';

/**
 * Characters at which glibc's loop for the sortlist never advances (seen with 2.36): any white space but blank and tab,
 * and everything beyond ASCII.
 */
const ENDLESS = /^[^;]*[\v\f\r\x80-\uffff]/;
const HANGS =
  'glibc never gets past this line, since it has a carriage return or a character beyond ASCII: every program that looks a name up hangs';

const READERS: Readonly<Record<Keyword, (words: readonly string[]) => Read>> = {
  nameserver([word = '']) {
    const address = addressOf(word);
    if (address !== null) return { taken: [address], why: null };
    if (word === '') return { taken: [], why: null };
    return { taken: [], why: word.endsWith('\r') ? CARRIAGE_RETURN : `${JSON.stringify(word)} is no IP address` };
  },
  domain: ([word]) => ({ taken: word === undefined ? [] : [word], why: word?.endsWith('\r') ? CARRIAGE_RETURN : null }),
  search(words) {
    if (words.at(-1)?.endsWith('\r')) return { taken: [...words], why: CARRIAGE_RETURN };
    const odd = words.find((word) => /^[#;]|,/.test(word));
    return { taken: [...words], why: odd === undefined ? null : `libc takes ${JSON.stringify(odd)} for a domain` };
  },
  sortlist(words) {
    const end = words.findIndex((word) => word.includes(';'));
    const pairs =
      end === -1 ? words : [...words.slice(0, end), words[end]!.split(';', 1)[0]!].filter((word) => word !== '');
    const usable = pairs.filter((pair) => ipv4Of(pair.split(/[/&]/, 1)[0]!.trim()) !== null);
    const wrong = pairs.find((pair) => !usable.includes(pair) && pair.trim() !== '' && !/^#/.test(pair));
    return {
      taken: usable,
      why: wrong === undefined ? null : `${JSON.stringify(wrong)} is no IPv4 address with its netmask`,
    };
  },
  options(words) {
    // glibc compares only the beginning of a word, so a carriage return after the word does no harm.
    const wrong = words
      .map((word) => word.trim())
      .find((word) => word !== '' && resolvOptionProblem(word) !== undefined);
    return {
      taken: words.map((word) => word.trim()).filter((word) => word !== ''),
      why: wrong === undefined ? null : (resolvOptionProblem(wrong) ?? null),
    };
  },
};

/**
 * The part of a line that libc misses behind a NUL byte. Such bytes occur in UTF-16, and after a file system lost the
 * last writes.
 */
function behindNul(row: string, raw: string): Pick<UnusedLine, 'keyword' | 'why'> | null {
  // In UTF-16 the last line holds half a line feed.
  if (row.length === raw.length || raw === '\0') return null;
  const rest = raw.slice(row.length).replaceAll('\0', '').trim();
  const text = raw.replace(/\0|^(?:\xff\xfe|\xfe\xff)/g, '');
  if (rest === '' && row.trim() !== '') return null;
  if (rest === '') return { keyword: null, why: 'it holds NUL bytes only: a file system lost what was written here' };
  return { keyword: keywordIn(text), why: 'it has a NUL byte (\\0), and libc reads a line only up to that' };
}

/** The keyword that a text seems to begin with; null if there is none. */
function keywordIn(text: string): Keyword | null {
  const word = /^\s*([A-Za-z]+)/.exec(text)?.[1]?.toLowerCase();
  return KEYWORDS.find((one) => one === word || `${one}s` === word) ?? null;
}

/** The likely meaning of a line that libc skips, and why libc skips it; null if the line has no likely meaning. */
function meant(row: string): [Keyword | null, string] | null {
  const bare = row.replace(/^\xef\xbb\xbf|^\ufeff/, '');
  const word = /^\s*([A-Za-z]+)/.exec(bare)?.[1];
  const keyword = keywordIn(bare);
  if (row.trim() === '' || /^\s*[#;]/.test(bare)) return null;
  if (keyword === null) return [null, `it begins with no keyword of resolv.conf(5)`];
  if (bare !== row) return [keyword, 'it begins with a byte order mark, so libc does not know its keyword'];
  if (/^\s/.test(row)) return [keyword, 'it begins with a blank, so libc passes over it'];
  if (word !== keyword) return [keyword, `libc knows "${keyword}", not "${word}"`];
  if (row === keyword) return [keyword, `"${keyword}" has no value`];
  return [keyword, `"${keyword}" must be followed by a blank or a tab`];
}

/** The address in its usual notation; null if libc does not accept the word as an address. */
function addressOf(word: string): string | null {
  const v4 = ipv4Of(word);
  if (v4 !== null) return v4;
  const [address = '', ...zone] = word.split('%');
  if (!isIPv6(address)) return null;
  const usual = new URL(`http://[${address}]`).hostname.slice(1, -1);
  return zone.length === 0 ? usual : `${usual}%${zone.join('%')}`;
}

/** inet_aton(3): one to four numbers, decimal, octal or hexadecimal. The last number fills the remaining bytes. */
function ipv4Of(word: string): string | null {
  const parts = word.split('.');
  if (parts.length > 4 || !parts.every((part) => /^(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/.test(part))) return null;
  const numbers = parts.map((part) => (/^0[0-7]/.test(part) ? Number.parseInt(part, 8) : Number(part)));
  const last = numbers.pop() as number;
  if (numbers.some((number) => number > 255) || last >= 256 ** (4 - numbers.length)) return null;
  const rest = Array.from(
    { length: 4 - numbers.length },
    (_, n) => Math.floor(last / 256 ** (3 - numbers.length - n)) % 256,
  );
  return [...numbers, ...rest].join('.');
}
