/** cloud-init(1), whose module resolv_conf writes /etc/resolv.conf if its configuration says so. */
import { isScalar } from 'yaml';
import type { Host } from '../host/host.ts';
import { type CloudConfig, instanceConfigs, isCloudInitOff, systemConfigs, userDataProblem } from './cloud-config.ts';
import type { DoctorObservation } from './doctor-check.ts';

/** `manage-resolv-conf` is a key of old images. */
const KEY = /^manage[_-]resolv[_-]conf$/;

interface Wish {
  readonly at: string;
  readonly text: string;
  readonly manages: boolean;
}

/** The strongest of all sources counts: the user data of the instance comes first. */
export function* cloudInit(host: Host): Iterable<DoctorObservation> {
  if (isCloudInitOff(host)) return;
  const [instance, system] = [instanceConfigs(host), systemConfigs(host)];
  const problems = [userDataProblem(host), ...[...instance, ...system].map(({ problem }) => problem)];
  for (const problem of problems) if (problem !== null) yield problem;
  const [wish] = [...instance.flatMap(wishesOf), ...ofKernel(host), ...system.flatMap(wishesOf)];
  if (wish?.manages) yield { code: 'HF-RESOLV-CLOUD-INIT', seen: `${wish.at}: ${wish.text}` };
}

function wishesOf({ file, text, entries }: CloudConfig): Wish[] {
  return entries.toReversed().flatMap(({ key, line, value }) => {
    if (!KEY.test(key)) return [];
    const written = text.split('\n')[line - 1]?.trim() ?? '';
    return [{ at: `${file}:${line}`, text: written, manages: isScalar(value) && Boolean(value.value) }];
  });
}

/** cc: YAML end_cc, the form in which cloud-init reads the kernel's command line. */
function* ofKernel(host: Host): Iterable<Wish> {
  const words = host.readText('/proc/cmdline') ?? '';
  const said = [...words.matchAll(/cc:(.*?)(?:end_cc|$)/gs)].map(([, text = '']) => decoded(text)).join('\n');
  const value = /^\s*manage[_-]resolv[_-]conf:\s*(\S+)/m.exec(said)?.[1];
  if (value === undefined) return;
  yield { at: '/proc/cmdline', text: `manage_resolv_conf: ${value}`, manages: /^(true|yes|on)$/i.test(value) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('\\n', '\n'));
  } catch {
    return text;
  }
}
