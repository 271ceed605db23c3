/**
 * The check of our files for dnsmasq, before they are put in place. dnsmasq itself sees only our text: with the running
 * process' arguments or files, `dnsmasq --test` would run as root what a `conf-script` there names.
 */
import type { Host } from '../../host/host.ts';
import type { Process } from '../../host/process/processes.ts';
import { dnsmasqRefusal } from '../dnsmasq/dnsmasq-refusal.ts';
import { isServersFile, readsName, trustedSources } from './dnsmasq-split.ts';

/**
 * What speaks against the text for this file; null if nothing does. A second `servers-file` would keep dnsmasq from
 * starting, so Holdfast looks for one in all that the running dnsmasq reads.
 */
export function dnsmasqComplaint(host: Host, file: string, text: string, process: Process | null): string | null {
  const refusal = dnsmasqRefusal(host, text);
  if (refusal !== null || isServersFile(file) || process === null) return refusal;
  return secondServersFile(host, process, file);
}

function secondServersFile(host: Host, process: Process, ours: string): string | null {
  const { main, folders } = trustedSources(host, process);
  const option = process.arguments.find((arg) => /^--(servers|conf-s)/.test(arg));
  if (option !== undefined) return complaintAbout('its command line', option.slice(2));
  const todo = [...main, ...folders.flatMap(({ folder, endings }) => filesIn(host, folder, endings))];
  const seen = new Set([ours]);
  for (let file = todo.shift(); file !== undefined; file = todo.shift()) {
    if (seen.has(file)) continue;
    seen.add(file);
    for (const line of (host.readText(file) ?? '').split('\n')) {
      const [, key = '', value = ''] =
        /^\s*(servers-file|conf-script|conf-file|conf-dir)\s*=\s*"?([^"#\s]*)/.exec(line) ?? [];
      if (key === 'servers-file' || key === 'conf-script') return complaintAbout(file, key);
      if (key === '') continue;
      const [path = '', ...endings] = key === 'conf-dir' ? value.split(',') : [value];
      if (!/^\/[^*?[]*$/.test(path))
        return `dnsmasq reads more files by ${key} in ${file}, which Holdfast cannot follow: write their full paths`;
      todo.push(...(key === 'conf-file' ? [path] : filesIn(host, path, endings)));
    }
  }
  return null;
}

function complaintAbout(where: string, option: string): string {
  if (option.startsWith('servers'))
    return `dnsmasq takes one servers-file only, and ${where} names one already: write its server lines into a file of dnsmasq's configuration instead`;
  return `${where} has conf-script, and Holdfast does not run it to see what dnsmasq reads: write its output into a file`;
}

/** The files that dnsmasq reads for `conf-dir`. */
function filesIn(host: Host, folder: string, endings: readonly string[]): string[] {
  const names = host.list(folder).filter((name) => readsName(endings, name));
  return names.map((name) => `${folder.replace(/\/+$/, '')}/${name}`).filter((file) => host.stat(file)?.isFile());
}
