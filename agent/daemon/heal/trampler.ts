/** Names the program that changed a kept artifact, by the kernel's record (witness.ts) and by marks in the artifact. */
import type { SampleAttributes } from '../../../probes/probe.ts';
import { currentLease, resolvConfWithoutHook } from '../../clients/dhclient/leases/leases.ts';
import { dhcpClients } from '../../clients/dhclient/running.ts';
import { rdnssdLeases } from '../../clients/rdnssd/known-leases.ts';
import { mergeHook, mergesIntoResolvConf, rdnssd } from '../../clients/rdnssd/running.ts';
import type { Finding } from '../../hold/resource.ts';
import { errorMessage } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { linkOwner } from '../../resolver/owner.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import { PERHAPS, type Witness } from './witness.ts';

/** Texts that programs write at the head of their files. */
const MARKS: readonly (readonly [RegExp, string])[] = [
  [/\bNetworkManager\b/, 'NetworkManager'],
  [/\bsystemd-resolved\b/, 'systemd-resolved'],
  [/\btailscale\b/i, 'tailscaled'],
  [/\bresolvconf\b/i, 'resolvconf'],
  [/\bdhcpcd\b/, 'dhcpcd'],
  [/\bConnection Manager\b/, 'connman'],
  [/\bnetconfig\b/, 'netconfig'],
  [/\bVPNC_GENERATED\b/, 'vpnc-script'],
  [/\bcloud-init\b/, 'cloud-init'],
  [/\bdhclient-script\b/, 'dhclient-script'],
  [/\bpuppet\b/i, 'Puppet'],
  [/\bansible\b/i, 'Ansible'],
  [/\bchef\b/i, 'Chef'],
  [/\bsalt\b/i, 'Salt'],
  [/\bcfengine\b/i, 'CFEngine'],
];
const HEAD = 12;
/** The head of our own files. Such a file differs because it is of an earlier configuration, or was edited by hand. */
const OWN_MARK = /\bHoldfast\b|"agent apply"/;

export interface Trampler {
  /** The name with its evidence (`NetworkManager, as its text says`), after PERHAPS if unsure; null if unknown. */
  readonly by: string | null;
  /** The same as part of a sentence, or the reason why the name is unknown. */
  readonly words: string;
  /** Attributes of the process, if it is known. */
  readonly attributes: SampleAttributes;
}

/** `before` is the file's text at the last look; null if there was none. */
export function tramplerOf(host: Host, witness: Witness, finding: Finding, before: string | null): Trampler {
  if (finding.by !== undefined) return known(finding.by);
  const { by: process, why, attributes } = witness.ask(finding);
  const told = [process, byMarks(host, finding, before)].filter((by) => by !== null);
  if (told.length === 0) return { by: null, words: `culprit unknown: ${why}`, attributes: {} };
  const by = surestFirst(told).join('; ');
  return { by, words: byWords(by), attributes: { trampler: by, ...attributes } };
}

/** Puts the likely culprits behind the certain culprits. */
export function surestFirst(names: readonly string[]): string[] {
  return names.toSorted((a, b) => Number(a.startsWith(PERHAPS)) - Number(b.startsWith(PERHAPS)));
}

/** The name as part of a sentence. */
export function byWords(by: string): string {
  return by.startsWith(PERHAPS) ? `perhaps by ${by.slice(PERHAPS.length)}` : `by ${by}`;
}

/** The trampler that the resource itself named. */
function known(by: string | null): Trampler {
  if (by === null) return { by, words: 'culprit unknown: the kernel named no program', attributes: {} };
  return { by, words: byWords(by), attributes: { trampler: by } };
}

/** The same as tramplerOf, but only by marks in the artifact. */
export function byMarks(host: Host, { key, kind, actual }: Finding, before: string | null): string | null {
  if (kind !== 'file' || actual === null) return null;
  try {
    return (
      byLink(host, key) ??
      byText(actual, before ?? '') ??
      (key === RESOLV_CONF ? (byLease(host, actual) ?? byAdvertisement(host, actual)) : null)
    );
  } catch (error) {
    return `unknown: ${errorMessage(error)}`;
  }
}

function byLink(host: Host, path: string): string | null {
  const link = host.readLink(path);
  const owner = link === null ? null : linkOwner(host.target(path));
  return owner === null ? null : `${owner}, because the path is a symbolic link to that program's file`;
}

/** A mark that the file already had counts only if no other line was kept, so that the file was made anew. */
function byText(actual: string, before: string): string | null {
  const known = new Set(before.split('\n'));
  const lines = actual.split('\n');
  const madeAnew = !lines.some((line) => line.trim() !== '' && !isComment(line) && known.has(line));
  const telling = lines.slice(0, HEAD).filter((line) => isComment(line) && (madeAnew || !known.has(line)));
  if (telling.some((line) => OWN_MARK.test(line))) return null;
  const name = MARKS.find(([mark]) => mark.test(telling.join('\n')))?.[1];
  return name === undefined ? null : `${name}, as its text says`;
}

function isComment(line: string): boolean {
  return /^\s*[#;]/.test(line);
}

/** rdnssd's merge hook leaves no mark either. It leaves room for name servers of IPv4, so two of its own suffice. */
function byAdvertisement(host: Host, actual: string): string | null {
  const process = rdnssd(host);
  const hook = process === null ? null : mergeHook(host);
  const [heard] = hook === null || !mergesIntoResolvConf(hook) ? [] : rdnssdLeases(host).leases;
  const servers = heard?.nameservers.slice(0, 2) ?? [];
  const lines = new Set(actual.split('\n').map((line) => line.trim().replaceAll(/\s+/g, ' ')));
  if (heard === undefined || servers.length === 0 || !servers.every((server) => lines.has(`nameserver ${server}`)))
    return null;
  return `${PERHAPS}${heard.who} by its merge hook ${hook}: the name servers are those of router advertisements`;
}

/**
 * dhclient-script leaves no mark. Lines equal to its lease are only a hint, because any program can write the same
 * servers.
 */
function byLease(host: Host, actual: string): string | null {
  const lines = new Set(actual.split('\n').map((line) => line.trim().replaceAll(/\s+/g, ' ')));
  for (const client of dhcpClients(host)) {
    for (const iface of client.interfaces) {
      const lease = currentLease(host, client, iface);
      const servers =
        lease === null ? [] : resolvConfWithoutHook(lease).filter((line) => line.startsWith('nameserver '));
      if (servers.length > 0 && servers.every((line) => lines.has(line))) {
        return `${PERHAPS}dhclient[${client.pid}] or its script: the name servers are those of its lease of ${iface}`;
      }
    }
  }
  return null;
}
