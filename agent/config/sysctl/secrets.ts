/** Kernel settings whose values nobody but root may see: the kernel makes these files readable for root alone. */
import { sysctlKind } from './kinds.ts';

/** What is shown in the place of a secret. */
export const SECRET = '(secret)';
/** The same where it is not the wanted one. */
export const OTHER_SECRET = '(another secret)';

/**
 * `key = value`, `key: value` and `key: { value: … }`, wherever they stand: in a file, a hint or a command line. A comma that
 * no blank follows is part of the value.
 */
const ASSIGNMENT =
  /([^\s"'{,]*\b(?:stable_secret|tcp_fastopen_key))(["']?\s*[:=]\s*(?:\{\s*value\s*:\s*)?)("[^"]*"|'[^']*'|[^\s"'},]+(?:,[^\s"'},]+)*)/g;

export function isSecretSysctl(path: string): boolean {
  return ['key', 'address'].includes(sysctlKind(path));
}

/** A value as it may be shown and reported. */
export function shownText(path: string, value: string): string {
  return isSecretSysctl(path) && value !== '' ? SECRET : value;
}

/** Any text with the values of such keys hidden. `instead`: what to show in the place of one. */
export function withoutSecrets(text: string, instead: (key: string, value: string) => string = () => SECRET): string {
  return text.replace(ASSIGNMENT, (_, key: string, between: string, value: string) => {
    return `${key}${between}${instead(key, value)}`;
  });
}
