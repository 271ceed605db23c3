/** cloud-init(1), whose module resolv_conf writes /etc/resolv.conf where it is told to. */
import { isScalar, LineCounter, parseDocument } from 'yaml';
import type { Host } from '../host/host.ts';
import type { Seen } from './check.ts';
import { filesIn } from './lines.ts';

const INSTANCE = '/var/lib/cloud/instance';
/** `manage-resolv-conf` is a key of old images. */
const KEY = /^manage[_-]resolv[_-]conf$/;

interface Wish {
  readonly at: string;
  readonly text: string;
  readonly manages: boolean;
}

/** The strongest of all its sources counts, as cloud-init puts them together: what the instance's user says comes first. */
export function* cloudInit(host: Host): Iterable<Seen> {
  if (host.stat('/etc/cloud/cloud-init.disabled') !== null) return;
  const [wish] = wishes(host);
  if (wish?.manages) yield { code: 'HF-RESOLV-CLOUD-INIT', seen: `${wish.at}: ${wish.text}` };
}

function* wishes(host: Host): Iterable<Wish> {
  // User data and vendor data, as cloud-init merged them at the boot of this instance.
  for (const name of ['cloud-config.txt', 'vendor2-cloud-config.txt', 'vendor-cloud-config.txt']) {
    yield* wishesOf(host, `${INSTANCE}/${name}`);
  }
  yield* ofKernel(host);
  yield* wishesOf(host, '/run/cloud-init/cloud.cfg');
  for (const file of filesIn(host, '/etc/cloud/cloud.cfg.d', '.cfg').reverse()) yield* wishesOf(host, file);
  yield* wishesOf(host, '/etc/cloud/cloud.cfg');
}

/** cloud-init reads YAML 1.1: "on" and "yes" are true. */
function* wishesOf(host: Host, file: string): Iterable<Wish> {
  if (!host.stat(file)?.isFile()) return;
  const lines = new LineCounter();
  const text = host.readText(file) ?? '';
  const { contents } = parseDocument(text, {
    version: '1.1',
    lineCounter: lines,
    logLevel: 'silent',
    uniqueKeys: false,
  });
  if (contents === null || !('items' in contents)) return;
  for (const item of [...contents.items].reverse()) {
    if (!('key' in item) || !isScalar(item.key) || !KEY.test(String(item.key.value))) continue;
    const value = isScalar(item.value) ? item.value.value : null;
    const line = lines.linePos(item.key.range?.[0] ?? 0).line;
    const written = text.split('\n')[line - 1]?.trim() ?? '';
    yield { at: `${file}:${line}`, text: written, manages: Boolean(value) };
  }
}

/** cc: YAML end_cc, as cloud-init takes it from the kernel's command line. */
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
