/** Whether udhcpc's script has a place for our lines: it must source udhcpc.conf, and leave resolv.conf alone if told. */
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { findBlock } from '../../resolver/marked-block.ts';
import { deeds, type NeighbourHook } from '../hook-deeds.ts';
import { endings } from '../hook-endings.ts';
import { UDHCPC_CONF } from './running.ts';

export interface EventDoubt {
  /** Concerns only `dns`; everything is concerned otherwise. */
  readonly isOfDns: boolean;
  readonly why: string;
}

/** null if our lines in udhcpc.conf have the last word. */
export function scriptDoubt(host: Host, script: string): EventDoubt | null {
  const whole = nullIfRefused(() => host.readText(script));
  if (whole === null) return { isOfDns: false, why: `${script}, which udhcpc runs at each event, cannot be read` };
  const text = whole.replace(/^[ \t]*#.*$/gm, '');
  if (!SOURCES.test(text) || !text.includes('udhcpc.conf')) {
    const why = `${script}, which udhcpc runs at each event, sources no ${UDHCPC_CONF} and has no folder for hooks, so it has the last word`;
    const cure =
      'let "agent run" put resolv.conf right after each event, or start udhcpc with a script that sources that file (-s)';
    return { isOfDns: false, why: `${why}: ${cure}` };
  }
  if (LEAVES_ALONE.test(text)) return null;
  return {
    isOfDns: true,
    why: `${script} does not know RESOLV_CONF=no, so it writes resolv.conf after Holdfast's lines`,
  };
}

/** `. $UDHCPC_CONF`, `. /etc/udhcpc/udhcpc.conf`, also behind a test for the file. */
const SOURCES =
  /(^|&&|;|\bthen\b)[ \t]*(\.|source)[ \t]+["']?(\S*\/udhcpc\.conf|\$\{?UDHCPC_CONF\}?)["']?[ \t]*(;|$|\|\|)/m;

/** `[ "$RESOLV_CONF" = "no" ]` */
const LEAVES_ALONE = /\$\{?RESOLV_CONF\}?["']?[ \t]*==?[ \t]*["']?no\b/i;

/** The folders whose programs Alpine's script runs after it has set address, routes and resolv.conf. */
const LATER = ['/etc/udhcpc/post-bound', '/etc/udhcpc/post-renew'];

/** Other causes that may undo the work of our lines. `conf`: udhcpc.conf as a whole. */
export function neighbourDoubts(host: Host, conf: string): EventDoubt[] {
  const above: NeighbourHook = { file: UDHCPC_CONF, text: findBlock(conf)?.before ?? '', when: 'enter', after: false };
  const later = LATER.flatMap((folder) => host.list(folder).map((name) => `${folder}/${name}`))
    .filter((file) => host.stat(file)?.isFile())
    .map(
      (file): NeighbourHook => ({
        file,
        text: nullIfRefused(() => host.readText(file)) ?? '',
        when: 'exit',
        after: true,
      }),
    );
  return [
    ...endings(host, above, 'sh').map(({ seen }) => ({
      isOfDns: false,
      why: `it may end udhcpc's script before Holdfast's lines (${seen})`,
    })),
    ...later
      .flatMap(deeds)
      .filter(({ deed }) => deed === 'writes')
      .map(({ seen }) => ({ isOfDns: true, why: `what comes after the script has the last word (${seen})` })),
  ];
}
