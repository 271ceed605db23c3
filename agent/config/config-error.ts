/** An error of a configuration, its place, and a remedy. */

export interface Position {
  readonly file: string;
  /** From 1; 0 if the error is about the whole file. */
  readonly line: number;
  /** From 1, in UTF-16 units as editors count; 0 if the error is about the whole file. */
  readonly column: number;
}

export interface ConfigError extends Position {
  /** `dns.nameservers[2]`; empty if the error is about no setting. */
  readonly path: string;
  readonly message: string;
}

/** A checked text in the notation that is written to the host, or its error with a remedy. */
export type Checked<Text extends string = string> = { readonly value: Text } | { readonly problem: string };

/**
 * `/etc/holdfast/agent.yaml:4:17: dns.nameservers[2]: "10.0.0.300" is not an IP address; write one such as 10.0.0.53`
 */
export function formatConfigError({ file, line, column, path, message }: ConfigError): string {
  const where = line === 0 ? file : `${file}:${line}:${column}`;
  return visible([where, path, message].filter((part) => part !== '').join(': '));
}

export function fileError(file: string, message: string): ConfigError {
  return { file, line: 0, column: 0, path: '', message };
}

const LONGEST = 80;

/** A value for use in a message: quoted, cut, and without characters that a terminal would act on. */
export function show(value: unknown): string {
  if (value !== null && typeof value === 'object') return Array.isArray(value) ? 'a list' : 'a map';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return visible(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);
}

/** Escapes line breaks and all characters that a terminal would act on. */
export function visible(text: string): string {
  return text.replace(UNPRINTABLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** C0 and C1 controls, DEL, line separators, and the marks that reorder text (Unicode's bidirectional controls). */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
