/**
 * `npm run wire` first builds receivers that are not ours, to send real heartbeats to: an OpenTelemetry Collector of
 * packaging/otelcol/builder.yaml, by OpenTelemetry's own builder, and the Prometheus of go.mod beside this file; and AWS' own
 * mock of EC2's metadata service, to ask. Each once for its pinned sources. It takes Go, its module proxy, and minutes.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export type Receiver = 'otelcol-holdfast' | 'prometheus' | 'promtool' | 'ec2-metadata-mock';

const root = join(import.meta.dirname, '../..');
const cache = join(root, 'node_modules/.cache/holdfast/receivers');
const builderConfig = join(root, 'packaging/otelcol/builder.yaml');
const METADATA_MOCK = 'github.com/aws/amazon-ec2-metadata-mock/cmd/ec2-metadata-mock@v1.13.0';
const goModule = [join(import.meta.dirname, 'go.mod'), join(import.meta.dirname, 'go.sum')];

/** Path of the executable, or null if it has not been built from the sources as they are pinned now. */
export function built(receiver: Receiver): string | null {
  const path = join(folderOf(receiver), receiver);
  return existsSync(path) ? path : null;
}

/** Why what needs these cannot run, as one sentence, or false: fits the `skip` of node:test. */
export function missing(...receivers: Receiver[]): string | false {
  const absent = receivers.filter((receiver) => built(receiver) === null);
  return absent.length > 0 && `needs ${absent.join(', ')}: \`npm run wire\` builds it, where there is Go`;
}

function folderOf(receiver: Receiver): string {
  if (receiver === 'ec2-metadata-mock') return join(cache, METADATA_MOCK.slice(METADATA_MOCK.lastIndexOf('/') + 1));
  const [name, sources] = receiver === 'otelcol-holdfast' ? ['otelcol', [builderConfig]] : ['prometheus', goModule];
  const hash = createHash('sha256');
  for (const file of sources) hash.update(readFileSync(file));
  return join(cache, `${name}-${hash.digest('hex').slice(0, 12)}`);
}

function build(): void {
  try {
    execFileSync('go', ['version'], { stdio: 'ignore' });
  } catch {
    console.log('Receivers: there is no Go here; what needs them is skipped');
    return;
  }
  if (built('prometheus') === null) inFolder(folderOf('prometheus'), 'Prometheus', buildPrometheus);
  if (built('otelcol-holdfast') === null)
    inFolder(folderOf('otelcol-holdfast'), 'OpenTelemetry Collector', buildCollector);
  if (built('ec2-metadata-mock') === null)
    inFolder(folderOf('ec2-metadata-mock'), 'AWS’ mock of EC2’s metadata service', buildMetadataMock);
}

/** Only a whole build takes its place. */
function inFolder(folder: string, name: string, make: (folder: string) => void): void {
  console.log(`Receivers: building ${name} (once; some minutes)`);
  mkdirSync(cache, { recursive: true });
  const temporary = mkdtempSync(join(cache, '.building-'));
  try {
    make(temporary);
    renameSync(temporary, folder);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function buildPrometheus(folder: string): void {
  const packages = ['prometheus', 'promtool'].map((name) => `github.com/prometheus/prometheus/cmd/${name}`);
  // Prometheus is built without service discovery, which is most of its code, and without its pages. Only its API is
  // used here.
  go(
    ['build', '-tags', 'remove_all_sd,netgo', '-ldflags', '-s -w', '-o', `${folder}/`, ...packages],
    import.meta.dirname,
  );
}

function buildCollector(folder: string): void {
  cpSync(builderConfig, join(folder, 'builder.yaml'));
  const version = /^ {2}version: (\S+)$/m.exec(readFileSync(builderConfig, 'utf8'))?.[1];
  go(
    ['run', `go.opentelemetry.io/collector/cmd/builder@v${version}`, '--config=builder.yaml', '--skip-compilation'],
    folder,
  );
  const sources = join(folder, 'otelcol-holdfast');
  renameSync(sources, join(folder, 'sources'));
  go(['build', '-trimpath', '-ldflags', '-s -w', '-o', sources, '.'], join(folder, 'sources'));
  rmSync(join(folder, 'sources'), { recursive: true });
}

function buildMetadataMock(folder: string): void {
  go(['install', '-ldflags', '-s -w', METADATA_MOCK], folder, { GOBIN: folder });
}

function go(args: string[], folder: string, env: Record<string, string> = {}): void {
  // Last among what runs: it must not slow down what the machine does otherwise.
  execFileSync('nice', ['-n', '19', 'go', ...args], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, GOFLAGS: '-buildvcs=false', ...env },
  });
}

if (import.meta.main) build();
