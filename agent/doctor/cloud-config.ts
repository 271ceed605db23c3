/** The configuration of cloud-init(1) from all of its sources: the strongest first, in cloud-init's own order. */
import { isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import type { Host } from '../host/host.ts';
import type { DoctorObservation } from './doctor-check.ts';
import { filesIn } from './numbered-lines.ts';

const INSTANCE = '/var/lib/cloud/instance';

export interface CloudConfig {
  readonly file: string;
  readonly text: string;
  /** If a key occurs twice, the last value counts. */
  readonly entries: readonly { readonly key: string; readonly line: number; readonly value: Node | null }[];
  /** The line, from 1, of a place in the text. */
  readonly lineAt: (offset: number) => number;
  /** Why the text cannot be read; null if it can. In that case cloud-init does nothing of it, or only a part. */
  readonly problem: DoctorObservation | null;
}

export function isCloudInitOff(host: Host): boolean {
  return host.stat('/etc/cloud/cloud-init.disabled') !== null;
}

/** User data and vendor data as cloud-init merged them at the boot of this instance. */
export function instanceConfigs(host: Host): CloudConfig[] {
  const names = ['cloud-config.txt', 'vendor2-cloud-config.txt', 'vendor-cloud-config.txt'];
  return names.flatMap((name) => read(host, `${INSTANCE}/${name}`) ?? []);
}

/**
 * Why the given user data cannot be read; null if nothing is wrong. cloud-init leaves such data out of its merged data.
 */
export function userDataProblem(host: Host): DoctorObservation | null {
  const config = read(host, `${INSTANCE}/user-data.txt`);
  return config?.text.startsWith('#cloud-config') ? config.problem : null;
}

/** The configuration that belongs to the image. */
export function systemConfigs(host: Host): CloudConfig[] {
  const files = [
    '/run/cloud-init/cloud.cfg',
    ...filesIn(host, '/etc/cloud/cloud.cfg.d', '.cfg').reverse(),
    '/etc/cloud/cloud.cfg',
  ];
  return files.flatMap((file) => read(host, file) ?? []);
}

/**
 * Scripts that cloud-init runs: from the user data, and from the image. cloud-init makes `runcmd` from the
 * configuration.
 */
export function cloudScripts(host: Host): { file: string; text: string }[] {
  const folders = [
    `${INSTANCE}/scripts`,
    ...['boot', 'instance', 'once'].map((one) => `/var/lib/cloud/scripts/per-${one}`),
  ];
  return folders
    .flatMap((folder) => filesIn(host, folder, ''))
    .filter((file) => host.stat(file)?.isFile() && !file.endsWith('/scripts/runcmd'))
    .map((file) => ({ file, text: host.readText(file) ?? '' }))
    .filter(({ text }) => /^#!.*sh\b/.test(text));
}

/** cloud-init reads YAML 1.1: "on" and "yes" are true. null if there is no such file. */
function read(host: Host, file: string): CloudConfig | null {
  if (!host.stat(file)?.isFile()) return null;
  const text = host.readText(file) ?? '';
  const lines = new LineCounter();
  const { contents, errors } = parseDocument(text, {
    version: '1.1',
    lineCounter: lines,
    logLevel: 'silent',
    prettyErrors: false,
    uniqueKeys: false,
  });
  const lineAt = (offset: number) => Math.max(1, lines.linePos(offset).line);
  const [error] = errors;
  const entries = (isMap(contents) ? contents.items : []).flatMap(({ key, value }) => {
    if (!isScalar(key)) return [];
    return [{ key: String(key.value), line: lineAt(key.range?.[0] ?? 0), value: value as Node | null }];
  });
  const why = error?.message ?? (contents === null || isMap(contents) ? null : 'it is no map of settings');
  const at = `${file}:${lineAt(error?.pos[0] ?? 0)}`;
  const problem: DoctorObservation | null =
    why === null ? null : { code: 'HF-UNSEEN', seen: `${at}: cloud-init's YAML cannot be read (${why})` };
  return { file, text, entries, lineAt, problem };
}
