/** What cloud-init(1) is told, from all of its sources: the strongest first, as it puts them together. */
import { isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import type { Host } from '../host/host.ts';
import type { Seen } from './check.ts';
import { filesIn } from './lines.ts';

const INSTANCE = '/var/lib/cloud/instance';

export interface CloudConfig {
  readonly file: string;
  readonly text: string;
  /** Of two with one key the last counts. */
  readonly entries: readonly { readonly key: string; readonly line: number; readonly value: Node | null }[];
  /** From 1, of a place in the text. */
  readonly lineAt: (offset: number) => number;
  /** Why it cannot be read; null: it can. cloud-init then does nothing of it, or only a part. */
  readonly problem: Seen | null;
}

export function isCloudInitOff(host: Host): boolean {
  return host.stat('/etc/cloud/cloud-init.disabled') !== null;
}

/** User data and vendor data as cloud-init merged them at the boot of this instance. */
export function instanceConfigs(host: Host): CloudConfig[] {
  const names = ['cloud-config.txt', 'vendor2-cloud-config.txt', 'vendor-cloud-config.txt'];
  return names.flatMap((name) => read(host, `${INSTANCE}/${name}`) ?? []);
}

/** Why the user data as it was given cannot be read: cloud-init leaves it out of what it merges. null: nothing is wrong. */
export function userDataProblem(host: Host): Seen | null {
  const config = read(host, `${INSTANCE}/user-data.txt`);
  return config?.text.startsWith('#cloud-config') ? config.problem : null;
}

/** Of the image. */
export function systemConfigs(host: Host): CloudConfig[] {
  const files = [
    '/run/cloud-init/cloud.cfg',
    ...filesIn(host, '/etc/cloud/cloud.cfg.d', '.cfg').reverse(),
    '/etc/cloud/cloud.cfg',
  ];
  return files.flatMap((file) => read(host, file) ?? []);
}

/** Scripts that it runs: of the user data, and of the image. `runcmd` is made of the configuration's. */
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

/** cloud-init reads YAML 1.1: "on" and "yes" are true. null: there is no such file. */
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
  const problem: Seen | null =
    why === null ? null : { code: 'HF-UNSEEN', seen: `${at}: cloud-init's YAML cannot be read (${why})` };
  return { file, text, entries, lineAt, problem };
}
