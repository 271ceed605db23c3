/** What a walk through a dhclient-script (walk.ts) notes, and the words that it tells apart. */
import type { ShellCommand } from '../../shell/shell-types.ts';

export interface ScriptEvent {
  /**
   * `enter` and `exit`: the script sources our hook; `lost`: it does so in a subshell. `end`: the script ends.
   * `defines`: make_resolv_conf becomes another function. `idle`: a function takes the hooks and is not defined.
   * `writes`: a command writes resolv.conf; `perhaps`: it may do so.
   */
  readonly kind: 'enter' | 'exit' | 'lost' | 'end' | 'defines' | 'idle' | 'writes' | 'perhaps';
  /** false if a condition decides that cannot be seen here. */
  readonly sure: boolean;
  /** `file:line: text`. */
  readonly seen: string;
}

/** Programs of dhclient-scripts that leave resolv.conf alone. */
export const HARMLESS = /^(?:ipcalc|restorecon|usleep|initlog|mii-tool|wpa_cli|iwconfig)$/;

/** Shell functions of distributions. Of their commands only those count that certainly write resolv.conf. */
export const DISTRIBUTION =
  /^\/(?:etc\/sysconfig\/network-scripts\/|(?:etc|etc\/rc\.d)\/init\.d\/functions$|lib\/lsb\/|etc\/rc\.status$)/;

/** Variables that dhclient sets at an event (client/dhclient.c). */
export const OF_EVENT = /^(?:new|old|cur|alias|requested)_|^(?:reason|interface|medium|pid|dad_wait_time)$/;

export const MAKER = 'make_resolv_conf';

/** Commands whose operands are folders of hooks that they only list or test. */
export const READERS =
  /^(?:\[|\[\[|test|ls|find|for|run-parts|echo|printf|logger|cat|local|export|readonly|declare|case|grep|set)$/;

/** Commands that the walk itself follows. */
export function isFollowed(word: string): boolean {
  return /^(?:\.|source|exit|return|unset|local|exec)$/.test(word);
}

/** Whether the value names our hook, or a pattern or loop over its folder. */
export function leadsTo(value: string, hook: string): boolean {
  const [, folder = '', name = ''] = /^(.*)\/([^/]*)$/.exec(hook) ?? [];
  const inFolder = name.startsWith('zz-');
  const at = value.indexOf(inFolder ? folder : hook);
  if (at === -1) return false;
  const after = value.slice(at + (inFolder ? folder : hook).length);
  if (!inFolder) return !/^[\w.-]/.test(after);
  return (
    after === '' ||
    after === '/' ||
    /^[\s)"`]/.test(after) ||
    (after.startsWith('/') && (/[*$]/.test(after) || value === hook))
  );
}

/** The command on one line, for a message. */
export function commandText({ words, writes, sets }: ShellCommand): string {
  const text = [...sets, ...words, ...writes.map((file) => `>${file}`)].join(' ').replace(/\s+/g, ' ');
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)} …` : text;
}

const LONGEST_TEXT = 100;
