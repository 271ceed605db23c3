/**
 * The check of our files for dnsmasq, before they are put in place. dnsmasq itself sees only our text: with the running
 * process' arguments or files, `dnsmasq --test` would run as root what a `conf-script` there names.
 */
import type { Host } from '../../host/host.ts';
import type { Process } from '../../host/process/processes.ts';
import { dnsmasqRefusal } from '../dnsmasq/dnsmasq-refusal.ts';
import { dnsmasqLines } from './dnsmasq-lines.ts';
import { isServersFile, trustedSources } from './dnsmasq-split.ts';

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
  const sources = trustedSources(host, process);
  const option = process.arguments.find((arg) => /^--(servers|conf-s)/.test(arg));
  if (option !== undefined) return complaintAbout('its command line', option.slice(2));
  const { lines, beyond } = dnsmasqLines(host, sources, (file) => file === ours);
  const found = lines.find(({ key }) => key === 'servers-file' || key === 'conf-script');
  if (found !== undefined) return complaintAbout(found.file, found.key);
  if (beyond === null) return null;
  return `dnsmasq reads more files by ${beyond.key} in ${beyond.file}, which Holdfast cannot follow: write their full paths`;
}

function complaintAbout(where: string, option: string): string {
  if (option.startsWith('servers'))
    return `dnsmasq takes one servers-file only, and ${where} names one already: write its server lines into a file of dnsmasq's configuration instead`;
  return `${where} has conf-script, and Holdfast does not run it to see what dnsmasq reads: write its output into a file`;
}
