import { errorMessage } from '../host/errors.ts';
import type { Finding } from './resource.ts';

/** The finding about a file that cannot be read: its content is unknown, and `apply` must not touch it. */
export function unreadable(
  place: Pick<Finding, 'resource' | 'key' | 'moment'>,
  error: unknown,
  settings: Finding['settings'],
): Finding {
  const reason = errorMessage(error);
  return { ...place, kind: 'file', state: 'unknown', wanted: null, actual: null, reason, refusal: reason, settings };
}
