/**
 * Who reports: the resource attributes of OpenTelemetry's semantic conventions. From node:os and os-release(5) alone: a
 * library that knows more (systeminformation 5.33) starts `sh` and `cat` for it, at every reading.
 */

import { createHash, createHmac, randomBytes } from 'node:crypto';
import { arch, hostname, release } from 'node:os';
import type { Attributes } from '../../probes/probe.ts';
import { STATE_FOLDER } from '../host/folders.ts';
import type { Host } from '../host/host.ts';
import { knownMachineId, machineMarks, SUBSTITUTE } from '../host/machine.ts';

export interface Identity {
  /** 32 hexadecimal digits, the same as long as the machine is installed; tells nobody the machine-id. */
  readonly hostId: string;
  /** Hexadecimal: gives the heartbeat its phase. Clones, which have the machine-id in common, differ in it. */
  readonly beatSeed: string;
  /** As the host is named at this moment. */
  readonly resource: Attributes;
}

/** Tells our host.id from every other application's on the same machine: random, and never to be changed. */
const APPLICATION = Buffer.from('fc62e28ccf5ed8e2c2e0f0968ad039e7', 'hex');
/** Names of the host.arch convention, where they are not Node's own. */
const ARCHITECTURES: Record<string, string> = { x64: 'amd64', ia32: 'x86', arm: 'arm32' };

/**
 * Reads the host once. `configHash`: of the configuration that is in force; `interval`: milliseconds between heartbeats. Throws nothing but what Host does for broken files.
 */
export function identify({
  host,
  version,
  configHash,
  labels,
  interval,
}: {
  host: Host;
  version: string;
  configHash: string;
  labels: Readonly<Record<string, string>>;
  interval: number;
}): Identity {
  const hostId = appSpecificId(machineId(host), APPLICATION);
  const os = osRelease(host.readText('/etc/os-release') ?? host.readText('/usr/lib/os-release') ?? '');
  const resource: Record<string, string | number> = {
    'service.name': 'holdfast',
    'service.version': version,
    // What Prometheus makes its `instance` of: without it, one host's series would be every host's.
    'service.instance.id': hostId.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    'host.name': hostname(),
    'host.id': hostId,
    'host.arch': ARCHITECTURES[arch()] ?? arch(),
    'os.type': 'linux',
    'holdfast.kernel.release': release(),
    'holdfast.config.hash': configHash,
    'holdfast.report.interval': interval / 1000,
  };
  const described = { 'os.name': os.NAME, 'os.version': os.VERSION_ID, 'os.description': os.PRETTY_NAME };
  for (const [key, value] of Object.entries(described)) if (value) resource[key] = value;
  for (const [key, value] of Object.entries(labels)) resource[`holdfast.label.${key}`] = value;
  const own = [hostId, hostname(), ...machineMarks(host)].join('\n');
  return {
    hostId,
    beatSeed: createHash('sha256').update(own).digest('hex'),
    // A host may be renamed while the agent runs.
    get resource() {
      return { ...resource, 'host.name': hostname() };
    },
  };
}

/**
 * sd_id128_get_machine_app_specific(3): HMAC-SHA256 of the application's id, keyed by the machine's, cut to 16 bytes and
 * marked as a UUID of version 4. `systemd-id128 --app-specific=ID machine-id` says the same.
 */
export function appSpecificId(machineId: string, application: Uint8Array): string {
  const id = createHmac('sha256', Buffer.from(machineId, 'hex')).update(application).digest().subarray(0, 16);
  id[6] = (id[6]! & 0x0f) | 0x40;
  id[8] = (id[8]! & 0x3f) | 0x80;
  return id.toString('hex');
}

function machineId(host: Host): string {
  const known = knownMachineId(host);
  if (known !== null) return known;
  const made = randomBytes(16).toString('hex');
  try {
    host.makeFolder(STATE_FOLDER, 0o755);
    host.replace(SUBSTITUTE, `${made}\n`, 0o600);
  } catch {
    // A host that keeps nothing is another one after each start.
  }
  return made;
}

/** os-release(5): shell assignments, of which only plain and quoted values occur. */
function osRelease(text: string): Partial<Record<string, string>> {
  const lines = text.matchAll(/^([A-Z_]+)=(?:"((?:[^"\\\n]|\\.)*)"|'([^'\n]*)'|([^\s"'\\]*))\s*$/gm);
  return Object.fromEntries([...lines].map(([, key, double, single, bare]) => [key, value(double, single, bare)]));
}

function value(double: string | undefined, single: string | undefined, bare: string | undefined): string {
  return double?.replace(/\\(.)/g, '$1') ?? single ?? bare ?? '';
}
