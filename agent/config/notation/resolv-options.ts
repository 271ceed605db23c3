/** The `options` of resolv.conf(5), as of glibc 2.42. */
import { show } from '../config-error.ts';
import { didYouMean } from '../hints/suggest.ts';

/** libc silently lowers a larger number to the limit. */
const NUMBERED: Readonly<Record<string, readonly [least: number, most: number]>> = {
  ndots: [0, 15],
  timeout: [1, 30],
  attempts: [1, 5],
};

const PLAIN = [
  'debug',
  'edns0',
  'inet6',
  'ip6-bytestring',
  'ip6-dotint',
  'no-aaaa',
  'no-check-names',
  'no-ip6-dotint',
  'no-reload',
  'no-tld-query',
  'no_tld_query',
  'rotate',
  'single-request',
  'single-request-reopen',
  'strict-error',
  'trust-ad',
  'use-vc',
];

export const RESOLV_OPTION_PATTERN = `^(${Object.keys(NUMBERED).join('|')}):(0|[1-9][0-9]?)$|^(${PLAIN.join('|')})$`;

/** The problem of one option, such as `ndots:2` or `rotate`; undefined if there is none. */
export function resolvOptionProblem(option: string): string | undefined {
  const words = option.split(/[\s,;]+/);
  if (words.length > 1 && words.every((word) => resolvOptionProblem(word) === undefined))
    return `${show(option)} is not one option; write a list: [${words.join(', ')}]`;
  const tidy = option.trim().replace(/\s*[:=]\s*|\s+/, ':');
  if (tidy !== option && resolvOptionProblem(tidy) === undefined) return `${show(option)}: write ${tidy}`;
  const [name = '', number, ...more] = option.split(':');
  const range = Object.hasOwn(NUMBERED, name) ? NUMBERED[name] : undefined;
  if (range) {
    const [least, most] = range;
    const fits = number !== undefined && /^(0|[1-9][0-9]?)$/.test(number) && more.length === 0;
    if (fits && Number(number) >= least && Number(number) <= most) return undefined;
    const nearest = /^\d+$/.test(number ?? '') ? Math.min(Math.max(Number(number), least), most) : Math.max(least, 1);
    return `${show(option)} needs a number from ${least} to ${most}; write ${name}:${nearest}`;
  }
  if (!PLAIN.includes(name)) {
    return `${show(option)} is no option of resolv.conf(5)${didYouMean(name, [...PLAIN, ...Object.keys(NUMBERED)])}`;
  }
  if (/^(false|no|off|0)$/i.test(number ?? '')) return `${show(option)}: an option that is listed is on; take it out`;
  return number === undefined ? undefined : `${show(option)} takes no number; write ${name}`;
}
