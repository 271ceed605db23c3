/**
 * What Holdfast has done to the DHCP server's default route, on the first line of a file in /run: the hooks and the next agent
 * read it.
 */
import { EGRESS, RUN_FOLDER } from '../host/folders.ts';
import type { Host } from '../host/host.ts';

/** A gateway of BGP's default route. */
export interface NotedGateway {
  readonly gateway: string;
  readonly index: number;
}

/** Put ahead of BGP's default route, whose gateways do not answer. */
export interface AheadNote {
  readonly gateways: readonly NotedGateway[];
  /** When they were last found silent: milliseconds of the clock that counts from the boot. */
  readonly at: number;
}

/** Whether the route is taken away, here and now. */
export function isDropped(host: Host): boolean {
  return wordOf(host) === 'dropped';
}

export function noteWord(host: Host, word: 'behind' | 'dropped'): void {
  write(host, `${word}\n`);
}

export function noteAhead(host: Host, gateways: readonly NotedGateway[], now = sinceBoot()): void {
  const lines = gateways.map(({ gateway, index }) => `${gateway} ${index}\n`);
  write(host, `ahead\n${Math.round(now)}\n${lines.join('')}`);
}

/** null: it is not ahead because of silent gateways. */
export function aheadNote(host: Host): AheadNote | null {
  const [word, at, ...lines] = (host.readText(EGRESS) ?? '').trim().split('\n');
  if (word !== 'ahead') return null;
  const gateways = lines
    .map((line) => line.split(' '))
    .map(([gateway = '', index]) => ({ gateway, index: Number(index) }));
  return { at: Number(at), gateways };
}

/** FRR has taken its route away: what is known of its gateways is this note. */
export function noteStillSilent(host: Host): void {
  const note = aheadNote(host);
  if (note !== null) noteAhead(host, note.gateways);
}

/** Milliseconds; the same in every process. */
export function sinceBoot(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

function wordOf(host: Host): string | undefined {
  return host.readText(EGRESS)?.trim().split('\n')[0];
}

function write(host: Host, text: string): void {
  host.makeFolder(RUN_FOLDER, 0o755);
  host.replaceOwn(EGRESS, text, 0o644);
}
