/** Reads the values of options and arguments. A wrong value ends the command with a sentence about the value. */
import { existsSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';

/** An empty text is a script's unset variable, and does not mean the current folder. */
export function folder(path: string): string {
  if (path === '' || !existsSync(`${path}/.`)) throw new InvalidArgumentError('There is no such folder.');
  return path;
}

/** Parses names that stand in one word (`hooks,resolver`), in several words, or both. */
export function knownNames<T extends string>(known: readonly T[]) {
  return (text: string, earlier: readonly T[] = []): readonly T[] => [
    ...earlier,
    ...words(text).map((word) => {
      const name = known.find((candidate) => candidate === word);
      if (name !== undefined) return name;
      throw new InvalidArgumentError(`"${word}" is none of ${known.join(', ')}.`);
    }),
  ];
}

/** An empty text is one empty word, which is no name: a script's unset variable does not mean all names. */
export function words(text: string): string[] {
  return text.split(/[\s,]+/).filter((word, _, all) => word !== '' || all.every((one) => one === ''));
}
