/** Why this kernel lacks a key: the key is misspelt, its interface does not exist, or its module is not loaded. */
import { didYouMean } from '../../config/hints/suggest.ts';
import { sysctlKey } from '../../config/notation/sysctl-keys.ts';
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';

/** A sentence without its full stop. `path`: below /proc/sys. */
export function whyMissing(host: Host, path: string): string {
  const parts = path.split('/');
  const at = parts.findIndex((_, index) => names(host, parts.slice(0, index)).indexOf(parts[index] ?? '') === -1);
  const missing = parts[at];
  if (missing === undefined) return 'it is a folder of keys, not a key';
  const [folder, rest] = [parts.slice(0, at), parts.slice(at + 1)];
  const known = names(host, folder);
  // Some network namespaces have no neigh/default. `all` and `default` are no interfaces.
  const mayBeInterface = known.includes('default') && !['all', 'default'].includes(missing);
  if (mayBeInterface && /^net\/ipv[46]\/(conf|neigh)$/.test(folder.join('/'))) {
    const key = names(host, [...folder, 'default']).includes(rest.join('/'))
      ? null
      : whyMissing(host, [...folder, 'default', ...rest].join('/'));
    return key ?? `this kernel has the key, but there is no interface ${missing} now`;
  }
  const hint = didYouMean(missing, known.length > 12 ? known : []);
  const near = /"(.+)"/.exec(hint)?.[1];
  if (near !== undefined) {
    const key = sysctlKey([...folder, near, ...rest].join('/'));
    return `this kernel has no such key; did you mean ${key}?`;
  }
  return 'this kernel has no such key; its module may not be loaded';
}

function names(host: Host, folder: readonly string[]): readonly string[] {
  return nullIfRefused(() => host.sysctlNames(folder.join('/'))) ?? [];
}
