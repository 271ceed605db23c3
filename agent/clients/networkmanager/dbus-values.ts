/** Values of D-Bus as busctl(1) prints them in JSON, and as busctl takes them as arguments of a call. */

export interface DBusValue {
  /** A signature of one value: `s`, `a{sa{sv}}`. */
  readonly type: string;
  readonly data: unknown;
}

/** The values of an answer, or the value of a property; empty if the text is neither. */
export function dbusValues(json: string): DBusValue[] {
  try {
    const { type, data } = JSON.parse(json) as { type?: unknown; data?: unknown };
    if (typeof type !== 'string') return [];
    if (!Array.isArray(data)) return [{ type, data }];
    return signatures(type).map((one, at) => ({ type: one, data: data[at] }));
  } catch {
    return [];
  }
}

/** The words after the signature: the number of an array's members before them, the signature of a variant before it. */
export function dbusArguments({ type, data }: DBusValue): string[] {
  if (type === 'v') {
    const inner = data as DBusValue;
    return [inner.type, ...dbusArguments(inner)];
  }
  if (type.startsWith('a{')) {
    const [key = '', value = ''] = signatures(type.slice(2, -1));
    const entries = Object.entries(data as object);
    const words = entries.flatMap((entry) => [
      ...dbusArguments({ type: key, data: entry[0] }),
      ...dbusArguments({ type: value, data: entry[1] }),
    ]);
    return [String(entries.length), ...words];
  }
  if (type.startsWith('a')) {
    const members = data as unknown[];
    return [String(members.length), ...members.flatMap((one) => dbusArguments({ type: type.slice(1), data: one }))];
  }
  if (type.startsWith('(')) {
    const members = data as unknown[];
    return signatures(type.slice(1, -1)).flatMap((one, at) => dbusArguments({ type: one, data: members[at] }));
  }
  return [String(data)];
}

/** The signatures of the single values in a signature: `a{sv}t` has two. */
function signatures(text: string): string[] {
  const found: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = endOf(text, at);
    found.push(text.slice(at, end));
    at = end;
  }
  return found;
}

function endOf(text: string, from: number): number {
  const first = text[from];
  if (first === 'a') return endOf(text, from + 1);
  if (first !== '(' && first !== '{') return from + 1;
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '(' || text[at] === '{') depth += 1;
    if (text[at] === ')' || text[at] === '}') depth -= 1;
    if (depth === 0) return at + 1;
  }
  return text.length;
}
