/**
 * Finds out whether a server would acknowledge this lease. A second dhclient asks as the next start would: DHCPREQUEST
 * in INIT-REBOOT (RFC 2131, 4.3.2). It has the same identity, a copy of the lease file, and the configuration on disk.
 * Its script is /bin/true and we end it at the first answer, so nothing on the host changes. For the server it is a
 * renewal.
 */
import { spawn } from 'node:child_process';
import type { InterfaceName } from '../address/accepted.ts';
import { currentLease, leaseText } from '../clients/dhclient/leases/leases.ts';
import type { RunningDhclient } from '../clients/dhclient/running.ts';
import { checkInterfaceName } from '../config/notation/names.ts';
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { STATE_FOLDER } from '../host/paths.ts';
import type { CommandLine } from './command-line.ts';

/**
 * Path of a copy of dhclient's executable. An AppArmor profile applies by path: it would forbid dhclient to read this
 * folder and to run /bin/true, and a dhclient that cannot run its script DECLINEs the lease. Not in /run, which Debian
 * mounts noexec.
 */
const FOLDER = `${STATE_FOLDER}/ask`;
const [PROGRAM, CONF, LEASES] = [`${FOLDER}/dhclient`, `${FOLDER}/dhclient.conf`, `${FOLDER}/dhclient.leases`];
const FILES = [PROGRAM, CONF, LEASES];

/** Milliseconds. dhclient repeats the request about every 2 s, for 8 s. */
const TIME_LIMIT = 20_000;

/** Flags that the second dhclient must not get, and how many words follow each. */
const LEFT_OUT = new Map(
  Object.entries({ '-cf': 1, '-lf': 1, '-pf': 1, '-sf': 1, '-e': 1, '-timeout': 1 }).concat(
    ['-1', '-d', '-q', '-v', '-n', '-w', '-nw', '-nc', '-x', '-r', '-4', '--no-pid'].map((flag) => [flag, 0]),
  ),
);

/**
 * Returns the client with the server's answer as its lease. The lease file exists until `forget` is called. Throws
 * HostError EREFUSED with the reason if no server confirms that the lease stays as it is.
 */
export async function askDhcpServer(
  host: Host,
  client: RunningDhclient,
  command: CommandLine,
  iface: string,
): Promise<RunningDhclient> {
  const name = checkInterfaceName(iface);
  if ('problem' in name) throw refused(name.problem);
  const lease = currentLease(host, client, iface);
  if (lease?.address == null) throw refused(`its lease of ${iface} is recorded nowhere`);
  removeQuestion(host);
  host.makeFolder(FOLDER, 0o700);
  const program = host.readText(command.executable);
  if (program === null) throw refused(`${command.executable} is not there`);
  host.replaceOwn(PROGRAM, program, 0o700);
  host.replaceOwn(CONF, confFor(host, client, name.value), 0o600);
  host.replaceOwn(LEASES, leaseText(host, client), 0o600);
  if (host.run('/bin/true', []).status !== 0) throw refused('/bin/true cannot be run');
  const answer = await listen(host, [...flagsOf(client), iface]);
  if (answer.kind === 'nak') throw refused(`the server refuses ${lease.address} on ${iface} (DHCPNAK)`);
  if (answer.kind === 'silent') throw refused(`no server answers for ${lease.address} on ${iface}${answer.why}`);
  if (answer.address !== lease.address)
    throw refused(`the server gives ${answer.address} on ${iface} instead of ${lease.address}`);
  return { ...client, leaseFile: LEASES };
}

/** Removes the files that the question needed. */
export function removeQuestion(host: Host): void {
  for (const file of FILES) host.remove(file);
}

const refused = (message: string) => new HostError('EREFUSED', message);

function flagsOf({ arguments: words, interfaces }: RunningDhclient): string[] {
  const flags: string[] = [];
  for (let at = 1; at < words.length; at += 1) {
    const word = words[at] as string;
    const skipped = LEFT_OUT.get(word);
    if (skipped !== undefined) at += skipped;
    else if (word.startsWith('-') || !interfaces.includes(word)) flags.push(word);
  }
  return flags;
}

/** The real configuration with our statements at its end: the last statement wins, also over a `script` statement. */
function confFor(host: Host, { confFile }: RunningDhclient, iface: InterfaceName): string {
  // A DISCOVER already means that the lease was refused, so there is no need to wait for an offer.
  const haste = 'reboot 8; timeout 15; initial-interval 2; backoff-cutoff 2; select-timeout 60; script "/bin/true";';
  const own = host.stat(confFile) === null ? '' : `include "${host.target(confFile)}";\n`;
  return `${haste}\n${own}${haste}\ninterface "${iface}" { ${haste} }\n`;
}

type Answer =
  | { readonly kind: 'ack'; readonly address: string }
  | { readonly kind: 'nak' }
  | { readonly kind: 'silent'; readonly why: string };

function listen(host: Host, words: readonly string[]): Promise<Answer> {
  const files = ['-sf', '/bin/true', '-cf', host.locate(CONF), '-lf', host.locate(LEASES), '--no-pid'];
  const child = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', host.locate(PROGRAM), '-4', '-1', '-d', '-v', ...files, ...words],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: TIME_LIMIT,
      killSignal: 'SIGKILL',
      cwd: '/',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    },
  );
  return new Promise((resolve) => {
    let answer: Answer | null = null;
    let seen = '';
    child.stderr.setEncoding('latin1').on('data', (data: string) => {
      seen = (seen + data).slice(-16_384);
      answer ??= answerIn(seen);
      if (answer !== null) child.kill('SIGKILL');
    });
    child.on('error', (error) => resolve({ kind: 'silent', why: ` (${error.message})` }));
    child.on('close', () => resolve(answer ?? { kind: 'silent', why: '' }));
  });
}

/** The lines that dhclient 4.1 to 4.4 prints. */
function answerIn(log: string): Answer | null {
  const address = /^bound to (\S+)/m.exec(log)?.[1];
  if (address !== undefined) return { kind: 'ack', address };
  if (/^DHCPNAK /m.test(log)) return { kind: 'nak' };
  return /^DHCPDISCOVER /m.test(log) ? { kind: 'silent', why: '' } : null;
}
