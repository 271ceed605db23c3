/** The command line of a udhcpc (busybox's getopt32), option by option. */

/** One option: its letter, its value, and the words that say it. */
export interface Given {
  readonly letter: string;
  /** null for a flag. */
  readonly value: string | null;
  readonly words: readonly string[];
}

/** Options with a value, of busybox 1.20 to 1.37. */
const VALUED = 'AcFHhilOPprsTtVx';
const FLAGS = 'BbCfnoqRSv';

const LONG: Readonly<Record<string, string>> = {
  arping: 'a',
  background: 'b',
  broadcast: 'B',
  'client-port': 'P',
  'clientid-none': 'C',
  foreground: 'f',
  fqdn: 'F',
  hostname: 'x',
  interface: 'i',
  'no-default-options': 'o',
  now: 'n',
  pidfile: 'p',
  quit: 'q',
  release: 'R',
  request: 'r',
  'request-option': 'O',
  retries: 't',
  script: 's',
  syslog: 'S',
  timeout: 'T',
  tryagain: 'A',
  vendorclass: 'V',
};

/** `given` is null if a word is no option that is known. */
export function commandOptions(all: readonly string[]): {
  readonly program: readonly string[];
  readonly given: readonly Given[] | null;
} {
  const first = /(^|\/)busybox$/.test(all[0] ?? '') ? 2 : 1;
  const [program, words] = [all.slice(0, first), [...all.slice(first)]];
  const given: Given[] = [];
  while (words.length > 0) {
    const found = next(words);
    if (found === null) return { program, given: null };
    given.push(...found);
  }
  return { program, given };
}

/** Takes the options of the first word, with a value that may be the next word. */
function next(words: string[]): Given[] | null {
  const word = words.shift()!;
  const long = /^--([a-z-]+)(?:=(.*))?$/.exec(word);
  if (long !== null) {
    const letter = LONG[long[1]!];
    if (letter === undefined) return null;
    return [given(letter, VALUED.includes(letter) ? (long[2] ?? words.shift() ?? '') : (long[2] ?? null))];
  }
  if (!/^-[A-Za-z]/.test(word)) return null;
  const found: Given[] = [];
  for (let at = 1; at < word.length; at += 1) {
    const [letter, rest] = [word[at]!, word.slice(at + 1)];
    // Its value is optional, and then part of the word.
    if (letter === 'a') return [...found, given(letter, rest === '' ? null : rest)];
    if (VALUED.includes(letter)) return [...found, given(letter, rest === '' ? (words.shift() ?? '') : rest)];
    if (!FLAGS.includes(letter)) return null;
    found.push(given(letter, null));
  }
  return found;
}

function given(letter: string, value: string | null): Given {
  if (value === null) return { letter, value, words: [`-${letter}`] };
  return { letter, value, words: letter === 'a' ? [`-a${value}`] : [`-${letter}`, value] };
}
