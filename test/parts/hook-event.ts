/** One DHCP event as dhclient-script runs it, in any shell, in an /etc and /run of its own, looked at before and after. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { renderEnterHook, renderExitHook } from '../../agent/clients/dhclient/hooks/hook-texts.ts';
import type { DesiredState } from '../../agent/config/desired.ts';
import { WHOLE } from './desired.ts';
import { privately, scratch } from './scratch.ts';
import { quote, SHELLS, type ShellName } from './shells.ts';

/** What the hook sets at a lease for WHOLE; on interfaces without settings of their own. */
export const SUPERSEDED = {
  new_domain_name: 'example.com',
  new_domain_search: 'dev.example.com. example.com.',
  new_domain_name_servers: '10.34.56.78 10.34.56.79',
  new_ntp_servers: '10.34.56.80',
};

export interface Event {
  readonly status: number | null;
  readonly stderr: string;
  /** The shell's variables, options, traps, functions and so on, except those that the hooks must change. */
  readonly before: string;
  readonly after: string;
  /** Values of the superseded variables, in the order of SUPERSEDED. */
  readonly values: string[];
  readonly resolvConf: string;
  readonly etc: string[];
  /** Each line of each record. */
  readonly record: string[];
}

export interface EventOptions {
  readonly desired?: DesiredState;
  readonly reason?: string;
  readonly iface?: string;
  readonly offer?: Record<string, string>;
  /** Lines of sh that stand where a neighbour's hook would. */
  readonly neighbour?: string;
  /** Lines of sh before all. */
  readonly prepare?: string;
}

export function runEvent(t: TestContext, shell: ShellName, options: EventOptions = {}): Event {
  const { desired = WHOLE, reason = 'RENEW', iface = 'eth0', offer = {}, neighbour = '', prepare = '' } = options;
  const folder = scratch(t, { enter: renderEnterHook(desired), exit: renderExitHook(desired) });
  const names = Object.keys(SUPERSEDED);
  const script = `
state() (
    echo "$-"; umask; pwd || :; trap; alias
    ${shell === 'bash' ? 'shopt || :; set +o' : ':'}
    ${[...names, 'new_dhcp6_domain_search', 'new_dhcp6_name_servers'].map((name) => `unset ${name}`).join('; ')}
    unset -f make_resolv_conf
    set
)
mount -t tmpfs none /etc
mount -t tmpfs none /run
echo 'nameserver 9.9.9.9' >/etc/resolv.conf
${prepare}
reason=${quote(reason)} interface=${quote(iface)}
${Object.entries(offer)
  .map(([name, value]) => `export ${name}=${quote(value)}`)
  .join('\n')}
make_resolv_conf() { echo stock >>/etc/stock; }
${neighbour}
state >|${folder}/before
. ${folder}/enter
make_resolv_conf
. ${folder}/exit
state >|${folder}/after
printf '%s\\n' ${names.map((name) => `"\${${name}-unset}"`).join(' ')} >|${folder}/values
trap - EXIT
set +f
cat /etc/resolv.conf >|${folder}/resolv.conf
/bin/ls -A /etc >|${folder}/etc
cat /run/holdfast/lease* >|${folder}/record 2>/dev/null || :
`;
  const driver = join(scratch(t, { driver: script }), 'driver');
  const { status, stderr } = privately(`exec ${SHELLS[shell]} ${driver}`);
  const said = (name: string) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'latin1') : '');
  return {
    status,
    stderr,
    before: withoutNoise(said('before')),
    after: withoutNoise(said('after')),
    values: lines(said('values')),
    resolvConf: said('resolv.conf'),
    etc: lines(said('etc')),
    record: lines(said('record')),
  };
}

function lines(text: string): string[] {
  return text.split('\n').slice(0, -1);
}

/** What every shell changes by itself from command to command. */
function withoutNoise(state: string): string {
  return state.replace(/^(_|LINENO|BASH_\w+|PIPESTATUS|RANDOM|SRANDOM|SECONDS|EPOCH\w+|BASHPID|FUNCNAME)=.*\n/gm, '');
}
