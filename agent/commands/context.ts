/** What every command begins with: the host it is about, and the configuration, whole and valid, or an error. */
import type { DesiredState } from '../config/desired.ts';
import { loadConfig } from '../config/load.ts';
import { Host } from '../host/host.ts';
import { makeResources } from '../resources/index.ts';
import type { ResourceName } from '../resources/names.ts';
import type { Resource } from '../resources/resource.ts';
import { ConfigFailure } from './output.ts';
import { BUILD } from './version.ts';

/** The options that all commands share, as commander gives them. */
export interface CommonOptions {
  readonly config?: string;
  readonly root?: string;
  readonly live?: boolean;
  readonly only?: readonly ResourceName[];
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export interface Context {
  readonly host: Host;
  readonly desired: DesiredState;
  readonly resources: Resource[];
  /** Keeps what the configuration was found to mean, so that the next command need not parse it again. */
  keepCompiled(): void;
}

/** In /run, where only root writes: it is believed without another check, as long as the files' bytes are the same. */
const COMPILED = '/run/holdfast/configuration';

export function openHost({ root, live }: CommonOptions): Host {
  return new Host({ ...(root === undefined ? {} : { root }), ...(live === true ? { live } : {}) });
}

/** Throws ConfigFailure with every error of the configuration. Nothing on the host has been touched then. */
export async function openContext(options: CommonOptions): Promise<Context> {
  const host = openHost(options);
  const asRoot = process.geteuid?.() === 0;
  const keeps = asRoot && host.root === '/';
  const loaded = await loadConfig({
    // --config names a file as the operator sees it; the default one lies in the root.
    ...(options.config === undefined ? { files: host } : { files: new Host(), file: absolute(options.config) }),
    asRoot,
    ...(keeps && BUILD !== null ? { compiled: { build: BUILD, text: host.readText(COMPILED) } } : {}),
  });
  if (!loaded.ok) throw new ConfigFailure(loaded.errors);
  const { desired, compiled } = loaded;
  return {
    host,
    desired,
    resources: makeResources(host, desired, options.only),
    keepCompiled() {
      if (compiled === null) return;
      host.makeFolder('/run/holdfast', 0o755);
      host.replace(COMPILED, compiled, 0o600);
    },
  };
}

function absolute(path: string): string {
  return path.startsWith('/') ? path : `${process.cwd()}/${path}`;
}
