/**
 * Notes in a file in /run what Holdfast has done to DHCP's default route, on the first line. The hooks and the next
 * agent read the note.
 */
import type { IpAddress } from '../address/accepted.ts';
import { ipAddress } from '../address/address-checks.ts';
import type { Host } from '../host/host.ts';
import { EGRESS, RUN_FOLDER } from '../host/paths.ts';
import { monotonicNow } from '../host/steady-clock.ts';

/** A gateway of BGP's default route. */
export interface NotedGateway {
  readonly gateway: IpAddress;
  readonly index: number;
}

/** DHCP's route was put ahead of BGP's, whose gateways do not answer. */
export interface AheadNote {
  readonly gateways: readonly NotedGateway[];
  /** When they were last found silent, in milliseconds since the boot. */
  readonly at: number;
}

/** Whether Holdfast has deleted the route, by the note of this boot. */
export function isDropped(host: Host): boolean {
  return wordOf(host) === 'dropped';
}

export function noteWord(host: Host, word: 'behind' | 'dropped'): void {
  write(host, `${word}\n`);
}

export function noteAhead(host: Host, gateways: readonly NotedGateway[], now = monotonicNow()): void {
  const lines = gateways.map(({ gateway, index }) => `${gateway} ${index}\n`);
  write(host, `ahead\n${Math.round(now)}\n${lines.join('')}`);
}

/**
 * The note of silent gateways, without damaged lines. null if the route is not ahead because of silent gateways, or if no
 * gateway is left that could be asked.
 */
export function aheadNote(host: Host): AheadNote | null {
  const [word, at, ...lines] = (host.readText(EGRESS) ?? '').trim().split('\n');
  if (word !== 'ahead' || !isWhole(at)) return null;
  const gateways = lines.flatMap((line): NotedGateway[] => {
    const [text = '', index] = line.split(' ');
    const gateway = ipAddress(text);
    return gateway === null || !isWhole(index) ? [] : [{ gateway, index: Number(index) }];
  });
  return gateways.length === 0 ? null : { at: Number(at), gateways };
}

/** Renews the note after FRR has removed its route: in that case only the note has the gateways. */
export function noteStillSilent(host: Host): void {
  const note = aheadNote(host);
  if (note !== null) noteAhead(host, note.gateways);
}

function isWhole(text: string | undefined): boolean {
  return text !== undefined && /^\d{1,15}$/.test(text);
}

function wordOf(host: Host): string | undefined {
  return host.readText(EGRESS)?.trim().split('\n')[0];
}

function write(host: Host, text: string): void {
  host.makeFolder(RUN_FOLDER, 0o755);
  host.replaceOwn(EGRESS, text, 0o644);
}
