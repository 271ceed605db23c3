/** A host whose systemd-networkd and systemd-resolved are files in a folder: they take what resolvectl(1) tells them. */

import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Resolved } from '../../agent/clients/networkd/kept.ts';
import type { DesiredDns } from '../../agent/config/desired.ts';
import type { RunResult } from '../../agent/host/process/run-program.ts';
import { clientSurroundings } from './client-surroundings.ts';
import { desiredOf, FolderHost, type Patient } from './doctor-patient.ts';
import { scratch } from './scratch.ts';

export const STUB = '/run/systemd/resolve/stub-resolv.conf';
export const STATE = 'run/systemd/netif/links/2';
export const DROP_IN = '/var/lib/holdfast/networkd/10-lan.network.d/zz-holdfast.conf';
export const OLD_DROP_IN = '/etc/systemd/network/10-lan.network.d/zz-holdfast.conf';
export const READ = '/run/systemd/network/10-lan.network.d/zz-holdfast.conf';
export const SERVICE = '/etc/systemd/system/systemd-networkd.service.d/holdfast.conf';
export const YAML =
  'dns: { nameservers: [10.0.0.21, "2001:DB8::53"], search: [example.com, example.org], options: [rotate] }';

export const link = (dns: string, more = '') =>
  `# This is private data. Do not parse.\nADMIN_STATE=configured\nNETWORK_FILE=/run/systemd/network/10-lan.network\nDNS=${dns}\nDOMAINS=\nROUTE_DOMAINS=\n${more}`;
export const FILES = {
  'sys/class/net/eth0/ifindex': '2\n',
  'sys/class/net/eth1/ifindex': '3\n',
  'run/systemd/netif/links/1': 'ADMIN_STATE=unmanaged\n',
  [STATE]: link('10.0.0.1'),
  'run/systemd/resolve/stub-resolv.conf': 'nameserver 127.0.0.53\n',
  'usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-252.so': '',
  // systemd runs.
  'run/systemd/system/a.service': '',
};
export const OTHERS = {
  'systemd-network': { 30: '/lib/systemd/systemd-networkd' },
  'systemd-resolve': { 31: '/lib/systemd/systemd-resolved' },
};

/** A host whose resolvectl works: it writes its arguments into the link's state, like systemd-networkd. */
export class NetworkdHost extends FolderHost {
  readonly told: string[] = [];
  answer: Partial<RunResult> = {};
  /** What systemctl was asked for, and its answer. */
  readonly asked: string[] = [];
  systemd: Partial<RunResult> = {};
  /** Name servers that it has in addition to those that resolvectl sets. */
  appends: readonly string[] = [];
  /** What systemd-resolved does when a link was told something. */
  afterTold: () => void = () => {};

  override run(program: string, args: readonly string[], options?: Parameters<FolderHost['run']>[2]): RunResult {
    if (program === 'systemctl') {
      this.asked.push(args.join(' '));
      return { status: 0, stdout: '', stderr: '', error: null, ...this.systemd };
    }
    if (program !== 'resolvectl') return super.run(program, args, options);
    const [verb, , name, ...values] = args;
    this.told.push([verb, name, ...values].join(' '));
    const result = { status: 0, stdout: '', stderr: '', error: null, ...this.answer };
    if (result.status === 0) this.#write(`run/systemd/netif/links/${name === 'eth0' ? 2 : 3}`, verb!, values);
    return result;
  }

  #write(state: string, verb: string, values: readonly string[]): void {
    const file = join(this.root, state);
    let text = readFileSync(file, 'utf8');
    const set = (key: string, words: readonly string[]) => {
      text = text.replace(new RegExp(`^${key}=.*$`, 'm'), `${key}=${words.join(' ')}`);
    };
    if (verb === 'revert') text = link('10.0.0.1');
    if (verb === 'dns') set('DNS', [...values, ...this.appends]);
    if (verb === 'domain') {
      set(
        'DOMAINS',
        values.filter((value) => !value.startsWith('~')),
      );
      set(
        'ROUTE_DOMAINS',
        values.filter((value) => value.startsWith('~')).map((value) => value.slice(1)),
      );
    }
    writeFileSync(file, text);
    this.afterTold();
  }
}

export function networkdHost(t: TestContext, { files = {}, others = OTHERS, ...more }: Patient = {}): NetworkdHost {
  const root = scratch(t, { ...FILES, 'etc/hostname': 'a\n', ...files });
  symlinkSync(`..${STUB}`, join(root, 'etc/resolv.conf'));
  return new NetworkdHost(root, { others, ...more });
}

export const dnsOf = (yaml: string) => desiredOf(yaml).dns as DesiredDns | null;
export const resolved = (host: FolderHost, yaml = YAML) => new Resolved(host, dnsOf(yaml), clientSurroundings(host));
export const brief = async (resource: Resolved) =>
  (await resource.inspect()).map(({ key, state }) => `${key} ${state}`);
