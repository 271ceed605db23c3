/** Slips in a line that YAML cannot read, or reads in another sense: a missing blank, typographic quotes. */
import { flow } from '../yaml-text.ts';

/** Typographic quotation marks, single, double and angle, at either end. Escaped: the executable's chunks are ASCII. */
const OUTER_QUOTES = /^[\u2018-\u201f\u00ab\u00bb\u2039\u203a]+|[\u2018-\u201f\u00ab\u00bb\u2039\u203a]+$/g;

/**
 * The problem of a text that was copied from a page or a word processor; undefined if there is none. `text` is without
 * YAML's quotes.
 */
export function typographyProblem(text: string): string | undefined {
  const blank = /[\u00a0\u2000-\u200b\u202f\u205f\u3000\ufeff]/.exec(text)?.[0];
  if (blank !== undefined) {
    const code = blank.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    return `has a blank that is none for YAML (U+${code}, as web pages have it); write a plain blank there`;
  }
  const bare = text.replace(OUTER_QUOTES, '');
  return bare === text ? undefined : `has typographic quotes; write ${flow(bare)}`;
}

/** The problem of a line that YAML cannot read; undefined if none is found. */
export function lineProblem(line: string): string | undefined {
  const [, key, rest] = /^\s*(?:- )?([A-Za-z][\w./-]*):([^\s:/].*)$/.exec(line) ?? [];
  if (key !== undefined) return `lacks the blank after the colon; write ${key}: ${rest}`;
  const [, word] = /^\s*(?:- )?([A-Za-z][\w-]*)\s*[;=]\s*$/.exec(line) ?? [];
  if (word !== undefined) return `lacks its colon; write ${word}:`;
  const [, setting, value] = /^\s*(?:- )?([A-Za-z][\w./-]*)\s*=\s*(.+)$/.exec(line) ?? [];
  const [, item] = /^\s*-([^\s-].*)$/.exec(line) ?? [];
  if (item !== undefined) return `lacks the blank after the dash; write - ${item}`;
  if (setting !== undefined) return `has = in place of a colon; write ${setting}: ${value}`;
  const [, bare, only] = /^\s*(?:- )?([A-Za-z][\w./-]*)\s+([\w./-]+)\s*$/.exec(line) ?? [];
  return bare === undefined ? undefined : `lacks its colon; write ${bare}: ${only}`;
}
