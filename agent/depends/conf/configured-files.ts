/** Which configuration a running program reads, by its command line. */
import { argumentsOf, nullIfGone } from '../../host/process/proc.ts';
import type { ConfiguredProgram } from './program.ts';

export interface ConfiguredFiles {
  /** The files that it was told to read in place of its usual ones; empty if it was told none. */
  readonly files: readonly string[];
  /** Its arguments without leading dashes, one a line: dnsmasq takes every setting as an option, too. */
  readonly text: string;
}

export function configuredFilesOf(pid: number, { configOptions = [] }: ConfiguredProgram): ConfiguredFiles {
  const [first = '', ...rest] = nullIfGone(() => argumentsOf(pid)) ?? [];
  // nginx writes its whole command line into its title.
  const words = rest.length === 0 && first.includes(': ') ? first.split(' ').slice(1) : rest;
  const files = words.flatMap((word, at): string[] => {
    const option = configOptions.find((one) => word === one || word.startsWith(`${one}=`) || isAttached(one, word));
    if (option === undefined) return [];
    const value = word === option ? words[at + 1] : word.slice(option.length).replace(/^=/, '');
    return value === undefined || value === '' ? [] : [value];
  });
  return { files, text: words.map((word) => word.replace(/^-+/, '')).join('\n') };
}

/** `-C/etc/x.conf`: the value of a short option may follow at once. */
function isAttached(option: string, word: string): boolean {
  return /^-\w$/.test(option) && word.startsWith(`${option}/`);
}
