/**
 * What an answer of the collector means for what was sent. As the OTLP specification says ("Failures", "Throttling"), but
 * for one thing: 401 and 403 are waited out, since a token that ran out is renewed sooner than lost events come back.
 */
import type { Reply } from './client.ts';
import type { Rejection } from './otlp.ts';

export type Verdict =
  | { readonly kind: 'accepted'; readonly rejected: Rejection | null }
  /** Not to be sent again; `divisible`: it may be only one of its records, or their number, that was refused. */
  | { readonly kind: 'refused'; readonly reason: string; readonly divisible: boolean }
  /** To be sent again, not before `after` milliseconds if it is not 0. */
  | { readonly kind: 'later'; readonly reason: string; readonly after: number };

/** Milliseconds: a receiver that asks for more does not know what it asks. */
const LONGEST_WAIT = 60 * 60 * 1000;

export function judge(
  { status, headers, body }: Reply,
  rejected: (answer: Uint8Array) => Rejection | null,
  now = Date.now(),
): Verdict {
  const reason = `the collector answers ${status}`;
  if (status >= 200 && status < 300) {
    // A page to log in at, or a web server of something else: it has kept nothing of ours.
    if (/html/i.test(headers['content-type'] ?? '')) return later(`${reason} with a web page: it is no OTLP receiver`);
    return { kind: 'accepted', rejected: rejected(body) };
  }
  if (status >= 300 && status < 400) return later(`${reason}, a redirect, which is not followed`);
  if (status === 401 || status === 403) return later(`${reason}: its token or certificate is not accepted`);
  if (status === 408 || status === 429 || status >= 500) {
    return later(reason, retryAfter(headers['retry-after'], now));
  }
  return { kind: 'refused', reason, divisible: status === 400 || status === 413 || status === 422 };
}

export function later(reason: string, after = 0): Verdict {
  return { kind: 'later', reason, after };
}

/** Milliseconds to wait by a Retry-After header (RFC 9110, 10.2.3): seconds or a date. 0: nothing that can be obeyed. */
export function retryAfter(header: string | undefined, now: number): number {
  if (header === undefined) return 0;
  const wait = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return wait > 0 ? Math.min(wait, LONGEST_WAIT) : 0;
}
