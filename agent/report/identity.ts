/**
 * The identity of the reporting host, as resource attributes of OpenTelemetry's semantic conventions. Uses only node:os
 * and os-release(5): a library that knows more (systeminformation 5.33) starts `sh` and `cat` at every reading.
 */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { arch, hostname, release } from 'node:os';
import type { SampleAttributes } from '../../probes/probe.ts';
import type { Host } from '../host/host.ts';
import { knownMachineId, machineMarks, SUBSTITUTE } from '../host/machine.ts';
import { STATE_FOLDER } from '../host/paths.ts';

export interface Identity {
  /**
   * 32 hexadecimal digits, constant for one installation of the machine. The machine-id cannot be derived from them.
   */
  readonly hostId: string;
  /** Hexadecimal; sets the heartbeat's phase. It differs between clones, which share a machine-id. */
  readonly beatSeed: string;
  /** The attributes with the host's present name. */
  readonly resource: SampleAttributes;
}

/** The application id that makes our host.id differ from other applications'. It is random and must never change. */
const APPLICATION = Buffer.from('fc62e28ccf5ed8e2c2e0f0968ad039e7', 'hex');
/** Names of the host.arch convention that differ from Node's. */
const ARCHITECTURES: Record<string, string> = { x64: 'amd64', ia32: 'x86', arm: 'arm32' };

/**
 * Reads the host once. `configHash` is that of the configuration in force; `interval` is the milliseconds between
 * heartbeats. Throws only what Host throws for broken files.
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
    // Prometheus makes `instance` from this. Without it, all hosts would share the same series.
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
    // Read each time, because a host may be renamed while the agent runs.
    get resource() {
      return { ...resource, 'host.name': hostname() };
    },
  };
}

/**
 * sd_id128_get_machine_app_specific(3): HMAC-SHA256 of the application's id, keyed by the machine's, cut to 16 bytes
 * and marked as a UUID of version 4. `systemd-id128 --app-specific=ID machine-id` says the same.
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
    // A host that cannot save a file gets another id at each start.
  }
  return made;
}

/** Parses os-release(5): shell assignments, in practice only plain and quoted values. */
function osRelease(text: string): Partial<Record<string, string>> {
  const lines = text.matchAll(/^([A-Z_]+)=(?:"((?:[^"\\\n]|\\.)*)"|'([^'\n]*)'|([^\s"'\\]*))\s*$/gm);
  return Object.fromEntries([...lines].map(([, key, double, single, bare]) => [key, value(double, single, bare)]));
}

function value(double: string | undefined, single: string | undefined, bare: string | undefined): string {
  return double?.replace(/\\(.)/g, '$1') ?? single ?? bare ?? '';
}
