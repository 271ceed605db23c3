/** Names and values of kernel settings, in the notation of sysctl.d(5). */
import { type Checked, show } from '../config-error.ts';

/** The longest value that /proc/sys takes in one write: a page, with its end. */
const LONGEST_VALUE = 4095;

/** In a path, stands for every present interface, as in sysctl.d(5), without `all`, `default` and `lo`. */
export const EVERY = '*';

/** The path below /proc/sys that a key names, or an error. */
export function checkSysctlKey(key: string): Checked {
  const wrong = (why: string): Checked => ({ problem: `${show(key)} ${why}` });
  if (/^[./]*proc[./]sys[./]/.test(key)) return wrong('must be as sysctl shows it; leave /proc/sys out');
  if (key.startsWith('-')) return wrong('begins with -; write { value: …, optional: true } if the key may be missing');
  if (/[*?[\]]/.test(key)) return wrong('is a pattern; write each key out');
  if (/[=\s]/.test(key)) return wrong('is not a key; write net.ipv4.ip_forward: 1');
  const path = sysctlPath(key);
  const parts = path.split('/');
  const sound = parts.every((part) => /^[A-Za-z0-9_.@+:-]+$/.test(part) && part !== '.' && part !== '..');
  return sound && parts.length > 1 ? { value: path } : wrong('is not a key; write one such as net.ipv4.ip_forward');
}

/**
 * A key as a path below /proc/sys. As in procps and systemd-sysctl, the first of `.` and `/` in the key is the
 * separator. In the form with dots, a slash stands for a dot in a name: `net.ipv4.conf.eth0/100.rp_filter` and
 * `net/ipv4/conf/eth0.100/rp_filter` are the same.
 */
export function sysctlPath(key: string): string {
  const separator = /[./]/.exec(key)?.[0];
  if (separator !== '.') return key;
  return key.replace(/[./]/g, (character) => (character === '.' ? '/' : '.'));
}

/** A key as an operator writes it: with dots, unless a name in the key has a dot. */
export function sysctlKey(path: string): string {
  return path.includes('.') ? path : path.replaceAll('/', '.');
}

/** The error of a text as a value (one line of ASCII), or undefined. sysctlValueProblem checks it against its key. */
export function sysctlTextProblem(value: string): string | undefined {
  if (/^(true|yes|on|enabled?)$/i.test(value)) return `${show(value)}: write 1`;
  if (/^(false|no|off|disabled?)$/i.test(value)) return `${show(value)}: write 0`;
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(value))
    return `${show(value)} has a line break or control character; write one line`;
  if (/[^\x00-\x7f]/.test(value)) return `${show(value)} is not ASCII, as all kernel settings are; write it in ASCII`;
  if (value !== value.trim()) return `${show(value)} begins or ends with a blank; write ${show(value.trim())}`;
  return value.length > LONGEST_VALUE ? `is longer than ${LONGEST_VALUE} bytes, which the kernel refuses` : undefined;
}
