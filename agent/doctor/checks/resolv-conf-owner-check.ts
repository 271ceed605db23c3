/** Programs that write /etc/resolv.conf although the file is no link of theirs. */
import { DHCPCD_CONF, ENTER_HOOK } from '../../clients/dhcpcd/running.ts';
import { leavesResolvConf } from '../../clients/networkmanager/conf.ts';
import { networkManagerIsHere } from '../../clients/networkmanager/running.ts';
import { openresolvInstalled, openresolvWrites, RESOLVCONF_CONF } from '../../clients/openresolv.ts';
import { mergeHook, mergesIntoResolvConf } from '../../clients/rdnssd/running.ts';
import { eventScripts, UDHCPC_CONF } from '../../clients/udhcpc/running.ts';
import type { Host } from '../../host/host.ts';
import { isHeader, mayBeHeader } from '../../resolver/header.ts';
import { findBlock } from '../../resolver/marked-block.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import { cloudInit } from '../cloud-init.ts';
import { caresForDns, type DoctorObservation, type DoctorSurroundings } from '../doctor-check.ts';
import { statements } from '../numbered-lines.ts';

/** By comm, which has 15 characters. */
export const RESOLV_CONF_DAEMONS = ['NetworkManager', 'dhcpcd', 'systemd-resolve', 'rdnssd', 'udhcpc'] as const;

export function* resolvConfOwnerCheck(around: DoctorSurroundings): Iterable<DoctorObservation> {
  if (!caresForDns(around)) return;
  const { host, desired, daemons } = around;
  const pid = (name: (typeof RESOLV_CONF_DAEMONS)[number]) => daemons.get(name);
  const writers: (string | null)[] = [
    networkManager(host, pid('NetworkManager')),
    dhcpcd(host, pid('dhcpcd')),
    rdnssd(host, pid('rdnssd')),
    udhcpc(host, pid('udhcpc')),
    resolvconf(host),
  ];
  const header = headerOf(host);
  let isTold = host.readLink(RESOLV_CONF) !== null; // HF-RESOLV-LINK names the owner
  for (const writer of writers) {
    if (writer === null) continue;
    const [program = ''] = writer.toLowerCase().split(/[^a-z]/);
    const sure = header?.text.toLowerCase().includes(program) === true;
    isTold ||= sure;
    yield {
      code: 'HF-RESOLV-DAEMON',
      seen: sure ? `${writer}, and ${RESOLV_CONF}:${header?.line} says that it made the file` : writer,
      // Without a configuration no setting is lost.
      ...(sure && desired !== null ? { severity: 'problem' } : {}),
    };
  }
  if (header !== null && !isTold) {
    yield { code: 'HF-RESOLV-HEADER', seen: `${RESOLV_CONF}:${header.line} says ${JSON.stringify(header.text)}` };
  }
  const resolved = pid('systemd-resolve');
  if (resolved !== undefined && host.readLink(RESOLV_CONF) === null) {
    yield { code: 'HF-RESOLV-RESOLVED', seen: `systemd-resolved[${resolved}] runs` };
  }
  yield* cloudInit(host);
}

function networkManager(host: Host, pid: number | undefined): string | null {
  const installed = !host.live && networkManagerIsHere(host);
  if ((pid === undefined && !installed) || leavesResolvConf(host)) return null;
  return `${pid === undefined ? 'NetworkManager is installed' : `NetworkManager[${pid}] runs`}, without dns=none in /etc/NetworkManager/NetworkManager.conf or its conf.d`;
}

/** dhcpcd's hook 20-resolv.conf writes the file, unless dhcpcd.conf(5) forbids it (nohook), or our hook comes first. */
function dhcpcd(host: Host, pid: number | undefined): string | null {
  if (pid === undefined || findBlock(host.readText(ENTER_HOOK) ?? '') !== null) return null;
  const off = statements(host, DHCPCD_CONF).some(({ text }) => /^nohook\b.*\bresolv\.conf/.test(text));
  return off ? null : `dhcpcd[${pid}] runs, without "nohook resolv.conf" in /etc/dhcpcd.conf`;
}

/** Our lines in the merge hook come before its own. */
function rdnssd(host: Host, pid: number | undefined): string | null {
  const hook = pid === undefined ? null : mergeHook(host);
  if (hook === null || !mergesIntoResolvConf(hook) || findBlock(host.readText(hook) ?? '') !== null) return null;
  return `rdnssd[${pid}] runs, and its merge hook ${hook} puts the name servers of router advertisements into ${RESOLV_CONF}`;
}

/** Our lines in udhcpc.conf make the script leave the file alone; not every script sources it. */
function udhcpc(host: Host, pid: number | undefined): string | null {
  if (pid === undefined || findBlock(host.readText(UDHCPC_CONF) ?? '') !== null) return null;
  const scripts = eventScripts(host).join(', ') || 'its script';
  return `udhcpc[${pid}] runs, and ${scripts} writes ${RESOLV_CONF} at each lease`;
}

function resolvconf(host: Host): string | null {
  if (!openresolvInstalled(host) || !openresolvWrites(host.readText(RESOLVCONF_CONF) ?? '')) return null;
  return `resolvconf (openresolv) is installed, and ${RESOLVCONF_CONF} has it write ${RESOLV_CONF}`;
}

/** The program that made the file, by the file's own lines. */
function headerOf(host: Host): { text: string; line: number } | null {
  const lines = (host.readTextUnlessAstray(RESOLV_CONF) ?? '').split('\n');
  const index = lines.findIndex(lines.some(isHeader) ? isHeader : mayBeHeader);
  return index === -1 ? null : { text: lines[index]!.replace(/^[ \t]*[#;\s]+/, '').trim(), line: index + 1 };
}
