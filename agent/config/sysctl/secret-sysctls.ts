/** Kernel settings whose values only root may see: the kernel makes these files readable only for root. */
import { sysctlKind } from './kinds.ts';

/** The text that replaces a secret. */
export const SECRET = '(secret)';
/** The text that replaces a secret that differs from the wanted secret. */
export const OTHER_SECRET = '(another secret)';

/**
 * `key = value`, `key: value` and `key: { value: … }` in a file, a hint or a command line. A comma without a blank
 * after it is part of the value.
 */
const ASSIGNMENT =
  /([^\s"'{,]*\b(?:stable_secret|tcp_fastopen_key))(["']?\s*[:=]\s*(?:\{\s*value\s*:\s*)?)("[^"]*"|'[^']*'|[^\s"'},]+(?:,[^\s"'},]+)*)/g;

/** Endings of the keys that may be secret. Every setting is asked about, and the kind costs a dozen expressions. */
const ENDINGS = ['/stable_secret', '/tcp_fastopen_key'];

export function isSecretSysctl(path: string): boolean {
  return ENDINGS.some((ending) => path.endsWith(ending)) && ['key', 'address'].includes(sysctlKind(path));
}

/** A value in the form that may be shown and reported. */
export function shownText(path: string, value: string): string {
  return isSecretSysctl(path) && value !== '' ? SECRET : value;
}

/** Any text with the values of such keys hidden. `instead`: the text that replaces a value. */
export function withoutSecrets(text: string, instead: (key: string, value: string) => string = () => SECRET): string {
  if (!ENDINGS.some((ending) => text.includes(ending.slice(1)))) return text;
  return text.replace(ASSIGNMENT, (_, key: string, between: string, value: string) => {
    return `${key}${between}${instead(key, value)}`;
  });
}
