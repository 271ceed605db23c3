/**
 * Decides what an answer means for the sent records, by the OTLP specification ("Failures", "Throttling") with one
 * exception. A refusal counts only if the receiver itself can have made it, because proxies answer with their own
 * statuses. nginx sends 400 for an expired client certificate, and an ingress sends 404 while it has no backend. Such
 * faults end, and so does an expired token (401, 403), but lost events never come back.
 */
import type { Rejection } from '../otlp-encoding.ts';
import type { DeliveryReply } from './http-client.ts';

export type DeliveryVerdict =
  | { readonly kind: 'accepted'; readonly rejected: Rejection | null }
  /** Do not send the same request again: one of the records, or their number, was refused. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Send again, after at least `after` milliseconds. */
  | { readonly kind: 'later'; readonly reason: string; readonly after: number };

/** The longest pause that we accept, in milliseconds. Longer requests are taken for mistakes. */
const LONGEST_WAIT = 60 * 60 * 1000;

export function judgeDelivery(
  { status, headers, body }: DeliveryReply,
  rejected: (answer: Uint8Array) => Rejection | null,
  now = Date.now(),
): DeliveryVerdict {
  const reason = `the collector answers ${status}`;
  if (status >= 200 && status < 300) {
    // A log-in page or an unrelated web server answered, so our records were not saved.
    if (isPage(headers['content-type'] ?? '', body))
      return later(`${reason} with a web page, so it is no OTLP receiver`);
    return { kind: 'accepted', rejected: rejected(body) };
  }
  if (status >= 300 && status < 400) return later(`${reason}, a redirect, which is not followed`);
  if (status === 401 || status === 403) return later(`${reason}: it does not accept this host's token or certificate`);
  // A smaller request may pass, whether a proxy or the receiver refused this one.
  if (status === 413) return { kind: 'refused', reason };
  if (status === 400 || status === 422) {
    if (isReceivers(headers['content-type'], body)) return { kind: 'refused', reason };
    return later(`${reason}, but not in an OTLP receiver's form; perhaps a proxy refused the request`);
  }
  if (status < 400 || status === 408 || status === 429 || status >= 500)
    return later(reason, retryAfter(headers['retry-after'], now));
  return later(`${reason}: there is no OTLP receiver at this address`, retryAfter(headers['retry-after'], now));
}

/** Recognizes a web page by its type, or by "<" at its beginning: no OTLP answer in either encoding begins so. */
function isPage(type: string, body: Buffer): boolean {
  return /html/i.test(type) || /^(\ufeff|\s)*</.test(body.subarray(0, 200).toString());
}

/**
 * Whether the receiver made the refusal: it explains in OTLP's formats or not at all. A proxy sends a page or a text.
 */
function isReceivers(type: string | undefined, body: Buffer): boolean {
  return type === undefined ? body.length === 0 : /^application\/(x-protobuf|json)\b/i.test(type.trim());
}

export function later(reason: string, after = 0): DeliveryVerdict {
  return { kind: 'later', reason, after };
}

/** Milliseconds to wait by a Retry-After header (RFC 9110, 10.2.3): seconds or a date. 0 if the header is neither. */
export function retryAfter(header: string | undefined, now: number): number {
  if (header === undefined) return 0;
  const wait = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return wait > 0 ? Math.min(wait, LONGEST_WAIT) : 0;
}
