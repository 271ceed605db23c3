/** The values that a hook in place gives resolv.conf, read from its text: it may be of an earlier configuration. */

const LINES = /^ {4}holdfast_(?:names|servers)='([^']+)'/gm;
const SETTINGS = { domain: 'dns.domain', search: 'dns.search', nameserver: 'dns.nameservers' } as const;

/** By the name of the setting. A setting is missing if the hook takes it from the lease, or if the text is no hook of ours. */
export function composedValues(hook: string): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>();
  for (const [, lines = ''] of hook.matchAll(LINES)) {
    for (const line of lines.split('\n')) {
      const [keyword = '', ...words] = line.split(' ');
      if (!isKeyword(keyword)) continue;
      const setting = SETTINGS[keyword];
      values.set(setting, [...(values.get(setting) ?? []), ...words]);
    }
  }
  return values;
}

function isKeyword(word: string): word is keyof typeof SETTINGS {
  return Object.hasOwn(SETTINGS, word);
}
