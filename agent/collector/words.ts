/** Numbers and names in sentences of the collector. */

export function plural(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** Three names, and how many more. */
export function some(names: readonly string[], between = ', '): string {
  const first = names.slice(0, 3).join(between);
  return names.length > 3 ? `${first} and ${names.length - 3} more` : first;
}

/** A duration in words: `40 s`, `7 min`, `3 h`, `12 days`. */
export function durationInWords(milliseconds: number): string {
  const seconds = Math.abs(milliseconds) / 1000;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}
