import { Host } from '../../host/host.ts';

/** The folder where the packages put the pages of docs/. */
const PAGES = '/usr/share/doc/holdfast/';

/** A text that names pages (`docs/clients.md`), with the paths that the pages have on this machine. */
export function installedPages(text: string, machine: Pick<Host, 'stat'> = new Host()): string {
  return text.replace(/\bdocs\/([a-z-]+\.md)\b/g, (named, page) =>
    machine.stat(PAGES + page) === null ? named : PAGES + page,
  );
}
