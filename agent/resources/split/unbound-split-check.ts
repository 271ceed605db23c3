/** unbound's own check of our file, on a staged copy of its configuration. */
import type { DesiredSplit } from '../../config/desired.ts';
import type { Host } from '../../host/host.ts';
import { RUN_FOLDER } from '../../host/paths.ts';
import type { Process } from '../../host/process/processes.ts';
import { splitZones } from './split-view.ts';
import { INCLUDED_FOLDER, unboundMain, unboundSplitFile } from './unbound-conf.ts';

const STAGED = `${RUN_FOLDER}/unbound-check`;

/**
 * unbound-checkconf(8)'s complaint; null if there is none. It reads the whole configuration, with the new text in place
 * of our file, because a domain that another file forwards as well makes unbound ignore one of the two.
 */
export function unboundComplaint(
  host: Host,
  split: readonly DesiredSplit[],
  text: string,
  process: Process | null,
): string | null {
  const ours = unboundSplitFile(host, process);
  const [main, part] = [`${STAGED}.conf`, `${STAGED}.part`];
  const staged = (host.readText(unboundMain(host, process)) ?? '').replace(
    INCLUDED_FOLDER,
    (_, keyword: string, folder: string) => {
      const others = host.list(folder).filter((name) => name.endsWith('.conf') && !name.startsWith('.'));
      const files = others.map((name) => `${folder}/${name}`).filter((file) => file !== ours);
      const all = ours.startsWith(`${folder}/`) ? [...files, part] : files;
      return all.map((file) => `${keyword}"${file}"`).join('\n');
    },
  );
  host.makeFolder(RUN_FOLDER, 0o755);
  try {
    host.replaceOwn(part, text, 0o600, { durable: false });
    host.replaceOwn(main, staged, 0o600, { durable: false });
    const { status, stderr, error } = host.run('unbound-checkconf', [main]);
    if (error?.includes('ENOENT'))
      return 'unbound-checkconf is missing, so the file cannot be checked: install unbound';
    const twice = /duplicate forward zone (\S+)\. ignored/.exec(stderr)?.[1]?.toLowerCase();
    if (twice !== undefined && splitZones(split).some(({ domain }) => domain === twice))
      return `another file of unbound's configuration forwards ${twice} already: take one of the two out`;
    if (status === 0) return null;
    const said = stderr
      .trim()
      .split('\n')[0]
      ?.replace(/^\[\d+\] unbound-checkconf\[\S+\] /, '');
    return `unbound-checkconf refuses the file: ${error ?? said}`;
  } finally {
    for (const file of [part, main]) host.remove(file);
  }
}
