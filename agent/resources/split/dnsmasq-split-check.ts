/** dnsmasq's own check of our files, before they are put in place. */
import type { Host } from '../../host/host.ts';
import type { Process } from '../../host/process/processes.ts';
import { dnsmasqRefusal } from '../dnsmasq/dnsmasq-refusal.ts';
import { dnsmasqSources } from '../dnsmasq/readers.ts';
import { isServersFile } from './dnsmasq-split.ts';

/**
 * dnsmasq's complaint about the text for this file; null if there is none. The servers are checked as configuration. The
 * file that names the servers-file is checked together with all files that the running dnsmasq reads, because a second
 * `servers-file` would keep dnsmasq from starting.
 */
export function dnsmasqComplaint(host: Host, file: string, text: string, process: Process | null): string | null {
  const isFirst = !isServersFile(file) && host.lstat(file) === null && process !== null;
  if (!isFirst) return dnsmasqRefusal(host, text);
  const { args, input } = withAllFiles(host, process, text);
  return dnsmasqRefusal(host, input, args);
}

/** dnsmasq reads one main configuration: the text on its standard input stands for it, and includes the others. */
function withAllFiles(host: Host, { arguments: [, ...all] }: Process, text: string) {
  const { main } = dnsmasqSources(host, all);
  const args = all.filter((arg, at) => {
    const isValue = ['-C', '--conf-file'].includes(all[at - 1] ?? '');
    return !isValue && !/^(-C|--conf-file(=|$))/.test(arg);
  });
  const included = main.filter((file) => host.stat(file) !== null).map((file) => `conf-file=${file}\n`);
  return { args, input: included.join('') + text };
}
