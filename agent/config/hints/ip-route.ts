/** A line of ip-route(8) or route(8), copied into the configuration. */

const TYPES = ['blackhole', 'unreachable', 'prohibit', 'unicast'];
/** Words, with their values, that have no key in the configuration because they follow from other words. */
const IMPLIED = ['proto', 'scope', 'pref', 'expires'];
const NUMBERS = ['metric', 'table', 'mtu', 'nhid'];
const KEYS: Readonly<Record<string, string>> = { gw: 'via', dev: 'dev', via: 'via', src: 'src' };

/** The route that the line stands for; empty if any of its words is not understood. */
export function routeOf(text: string): object[] {
  const words = text
    .trim()
    .replace(/^(?:ip (?:-[46] )?r(?:oute|o)? (?:add|replace|change|append) |route add (?:-net )?)/, '')
    .split(/\s+/);
  const type = TYPES.includes(words[0] ?? '') ? words.shift() : undefined;
  const route: Record<string, unknown> = { to: words.shift() };
  if (type !== undefined && type !== 'unicast') route.type = type;
  while (words.length > 0) {
    const word = words.shift() ?? '';
    if (word === 'onlink') route.onlink = true;
    else if (word === 'linkdown' || word === 'dead') continue;
    else {
      const value = words.shift();
      const key = NUMBERS.includes(word) ? word : KEYS[word];
      if (value === undefined || (key === undefined && !IMPLIED.includes(word))) return [];
      if (key !== undefined) route[key] = NUMBERS.includes(word) && /^\d+$/.test(value) ? Number(value) : value;
    }
  }
  return Object.keys(route).length > 1 ? [route] : [];
}
