/**
 * What an answer of the collector means for what was sent. As the OTLP specification says ("Failures", "Throttling"), with one
 * exception: a refusal counts only where the receiver itself can have made it. Proxies answer for a receiver with statuses of
 * their own: nginx 400 to an expired client certificate, an ingress 404 while it has no backend. Those end sooner than lost
 * events come back, and so does a token that ran out (401, 403).
 */
import type { Reply } from './client.ts';
import type { Rejection } from './otlp.ts';

export type Verdict =
  | { readonly kind: 'accepted'; readonly rejected: Rejection | null }
  /** Not to be sent again as it is: one of the records, or their number, was refused. */
  | { readonly kind: 'refused'; readonly reason: string }
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
    if (isPage(headers['content-type'] ?? '', body)) return later(`${reason} with a web page: it is no OTLP receiver`);
    return { kind: 'accepted', rejected: rejected(body) };
  }
  if (status >= 300 && status < 400) return later(`${reason}, a redirect, which is not followed`);
  if (status === 401 || status === 403) return later(`${reason}: its token or certificate is not accepted`);
  // Whoever says so, a smaller request may pass.
  if (status === 413) return { kind: 'refused', reason };
  if (status === 400 || status === 422) {
    if (isReceivers(headers['content-type'], body)) return { kind: 'refused', reason };
    return later(`${reason}, but not as an OTLP receiver does: a proxy may have refused it`);
  }
  if (status < 400 || status === 408 || status === 429 || status >= 500)
    return later(reason, retryAfter(headers['retry-after'], now));
  return later(`${reason}: no OTLP receiver takes it at this address`, retryAfter(headers['retry-after'], now));
}

/** By its type, or by how it begins where a proxy gives none: no answer of OTLP begins with "<", in either encoding. */
function isPage(type: string, body: Buffer): boolean {
  return /html/i.test(type) || /^(\ufeff|\s)*</.test(body.subarray(0, 200).toString());
}

/** A receiver explains a refusal in OTLP's own formats, or not at all. A proxy sends a page or a line of text. */
function isReceivers(type: string | undefined, body: Buffer): boolean {
  return type === undefined ? body.length === 0 : /^application\/(x-protobuf|json)\b/i.test(type.trim());
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
