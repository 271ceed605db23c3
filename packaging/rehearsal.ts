/**
 * The run of the program that makes its bytecode: an `apply` without changes, in a throw-away folder. Functions that it
 * calls are already compiled when a later `apply` starts.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FILES, GATEWAY_STAGE, gatewayFiles } from './rehearsed-host.ts';

/**
 * The same sources give the same bytecode: hashes of strings have no random seed, nothing is compiled or collected in the
 * background, and no garbage is collected at all, since that ages functions. None of these is among the flags by which V8
 * refuses bytecode. See warm.ts and renumber.ts for what else would differ.
 */
const SAME_EACH_TIME = ['--random-seed=1', '--predictable', '--v8-pool-size=0', '--min-semi-space-size=64'];
/** The bytecode must not depend on the builder's environment. NO_COLOR, for example, would make other functions run. */
const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
/**
 * The bytecode must not depend on the processes and the network of this machine, which `--live` looks at. An ordinary
 * user needs a user namespace for that. Root does without one if the kernel or a container allows none.
 */
const APART = ['unshare', '--pid', '--fork', '--mount', '--mount-proc', '--net'];
const WAYS_APART = [[...APART, '--user', '--map-root-user'], APART];

/**
 * Writes `NAME.bytecode` beside every chunk in `folder`, and works beside the folder. `node`: the command of the Node
 * for which the bytecode is made, with an emulator before it if that is of another architecture.
 */
export function rehearse(folder: string, node: readonly string[] = [process.execPath]): void {
  const host = mkdtempSync(join(dirname(folder), 'rehearsal-'));
  try {
    write(host, FILES);
    const apply = [
      ...[join(import.meta.dirname, 'warm.ts'), folder],
      ...['apply', '--root', host, '--config', join(host, 'etc/holdfast/agent.yaml')],
    ];
    // The first run changes the folder. The last run has nothing to do, and its bytecode stays.
    run(node, apply);
    const apart = wayApart();
    if (apart === null) {
      // Without `--live` the run looks at no process, so this machine's own resolved and dhclient get no message.
      console.log('  no namespaces here: the executable starts some milliseconds later than one built with them');
      run(node, apply);
    } else if (ends([...apart, 'sh', '-c', GATEWAY_STAGE, 'sh', host])) {
      write(host, gatewayFiles(node.length > 1));
      run([...apart, 'sh', '-c', GATEWAY_STAGE, 'sh', host, ...node], [...apply, '--live']);
    } else {
      console.log('  no ip, nft or veth here: on a gateway the executable starts later than one built with them');
      run([...apart, ...node], [...apply, '--live']);
    }
    run(node, [join(import.meta.dirname, 'renumber.ts'), folder]);
  } finally {
    rmSync(host, { recursive: true });
  }
}

function write(host: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(host, path)), { recursive: true });
    writeFileSync(join(host, path), text, { mode: 0o644 });
  }
}

function run([program = '', ...before]: readonly string[], args: readonly string[]): void {
  execFileSync(program, [...before, ...SAME_EACH_TIME, ...args], {
    env: ENVIRONMENT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** The first command that works here; null if none does. */
function wayApart(): readonly string[] | null {
  return WAYS_APART.find((way) => ends([...way, 'true'])) ?? null;
}

function ends([program = '', ...args]: readonly string[]): boolean {
  return spawnSync(program, args, { env: ENVIRONMENT }).status === 0;
}
