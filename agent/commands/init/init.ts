import { dirname, resolve } from 'node:path';
import { renderInitial } from '../../config/init/initial.ts';
import { DEFAULT_FILE } from '../../config/load.ts';
import { withoutSecrets } from '../../config/sysctl/secret-sysctls.ts';
import { note } from '../../config/yaml-text.ts';
import { Host } from '../../host/host.ts';
import { hasService } from '../../host/service/units.ts';
import type { CommonOptions } from '../common-options.ts';
import { openHost, refuseOtherNetwork } from '../context/context.ts';
import { EXIT, print, printJson, reportUsage } from '../output/output.ts';
import { write } from '../output/write-sync.ts';
import { type Gathered, gather } from './init-facts.ts';
import { rewriting } from './resolver-facts.ts';

export interface InitOptions extends CommonOptions {
  /** `-` means standard output. */
  readonly output?: string;
  readonly force?: boolean;
}

/**
 * Writes a commented configuration that changes none of the host's values. Returns the exit status: 1 if the file
 * exists already.
 */
export async function init(options: InitOptions): Promise<number> {
  const host = openHost(options);
  refuseOtherNetwork(host);
  const gathered = gather(host, options.only);
  const text = configuration(host, gathered);
  if (options.output === '-') {
    if (options.json) printJson({ file: null, configuration: text });
    else write(1, text);
    return EXIT.ok;
  }
  const { files, file } = destination(host, options);
  if (files.lstat(file) !== null && !options.force) {
    const message = `${file} exists already; --force overwrites it, --output FILE writes elsewhere`;
    return reportUsage(message, options);
  }
  if (file === DEFAULT_FILE) files.makeFolder(dirname(file), 0o755);
  // A link in the configuration's place belongs to the operator. A link at any other path could be another user's trap.
  const path = options.output === undefined ? files.target(file) : file;
  files.replace(path, Buffer.from(text, 'utf8').toString('latin1'), withoutSecrets(text) === text ? 0o644 : 0o600);
  if (options.json) printJson({ file, configuration: text });
  else if (!options.quiet) tell(file, gathered, hasService(host));
  return EXIT.ok;
}

function configuration(host: Host, { facts, leftOut }: Gathered): string {
  const text = renderInitial(facts);
  const rewritten = rewriting(host, text);
  const changes = rewritten === null ? '' : `\n${comment(rewritten)}`;
  const notes = leftOut.length === 0 ? '' : `\n# Found, and not taken over:\n${leftOut.map(comment).join('')}`;
  return text + changes + notes;
}

function comment(sentence: string): string {
  return `${note(sentence).slice(1)}\n`;
}

/** The default file lies below --root; a path that the operator gives does not. */
function destination(host: Host, { output, config }: InitOptions): { files: Host; file: string } {
  const given = output ?? config;
  return given === undefined ? { files: host, file: DEFAULT_FILE } : { files: new Host(), file: resolve(given) };
}

/** `service`: whether the host has the service that holds the default configuration. */
function tell(file: string, { leftOut }: Gathered, service: boolean): void {
  print(`Wrote ${file}: the settings that this host has now.`);
  if (leftOut.length > 0)
    print(`${leftOut.length} settings were not taken over; the last lines of the file name each, and why.`);
  const option = file === DEFAULT_FILE ? '' : ` --config ${file}`;
  print('\nNext: edit it, then');
  print(
    `  agent plan${option}     shows what would change: hooks and lines that make these values stay, not the values`,
  );
  print(`  agent doctor${option}   explains what else acts on these settings`);
  print(`  agent apply${option}    makes it so, and makes it stay`);
  if (service && option === '')
    print('  systemctl start holdfast   puts drift right at once, reports, and applies changes at systemctl reload');
}
