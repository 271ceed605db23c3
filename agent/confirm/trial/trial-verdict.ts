/** The end of a trial or of a later proof, in the words of an event. */

export interface TrialVerdict {
  readonly id: string;
  readonly kind: 'confirmed' | 'provisional' | 'put-back';
  /** A sentence without its full stop. */
  readonly body: string;
}

/** The verdict about a change that is not put back now. `reason`: a sentence without its full stop. */
export function keptVerdict(id: string, kind: TrialVerdict['kind'], reason: string): TrialVerdict {
  return { id, kind, body: `change ${id} ${kind === 'confirmed' ? 'confirmed' : 'stays for now'}: ${reason}` };
}
