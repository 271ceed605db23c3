/** A host in a folder, on which ip(8) and other programs answer by their arguments. */
import type { TestContext } from 'node:test';
import type { RunResult } from '../../agent/host/process/run-program.ts';
import { FolderHost, type Patient } from './doctor-patient.ts';
import { scratch } from './scratch.ts';

export interface Shown {
  /** As `ip -j -6 route show` and the `addr_info` of `ip -j -6 addr show` print them; 'fails': ip does. */
  readonly routes?: readonly object[] | 'fails';
  readonly addresses?: readonly object[];
}

export class IpHost extends FolderHost {
  private readonly shown: Shown;

  constructor(root: string, patient: Patient, shown: Shown) {
    super(root, patient);
    this.shown = shown;
  }

  override run(program: string, args: readonly string[], options?: Parameters<FolderHost['run']>[2]): RunResult {
    if (program !== 'ip') return super.run(program, args, options);
    const { routes = [], addresses = [] } = this.shown;
    if (routes === 'fails') return { status: 2, stdout: '', stderr: 'no IPv6', error: null };
    const what = args.includes('route') ? routes : [{ ifname: 'eth0', addr_info: addresses }, {}];
    return { status: 0, stdout: JSON.stringify(what), stderr: '', error: null };
  }
}

export function ipHost(t: TestContext, shown: Shown, patient: Patient = {}): IpHost {
  return new IpHost(scratch(t, { 'etc/hostname': 'a\n', ...patient.files }), patient, shown);
}

/** What an interface has that takes one router's advertisement and DHCPv6, as systemd-networkd leaves it. */
export const DUAL: Required<Shown> = {
  routes: [
    {
      dst: 'default',
      gateway: 'fe80::1',
      protocol: 'ra',
      metric: 1024,
      expires: 1795,
      metrics: [{ mtu: 1400 }],
      pref: 'high',
    },
    { dst: '2001:db8::/64', protocol: 'ra', metric: 1024, expires: 7000, pref: 'medium' },
    { dst: '2001:db8:7::/48', gateway: 'fe80::1', protocol: 'ra', expires: 600, pref: 'low' },
    { dst: '2001:db8:9::/48', gateway: '2001:db8::9', protocol: 'static', pref: 'medium' },
    { dst: 'fe80::/64', protocol: 'kernel', pref: 'medium' },
  ],
  addresses: [
    { family: 'inet6', local: '2001:db8::100', prefixlen: 128, scope: 'global', dynamic: true, valid_life_time: 500 },
    {
      ...{ family: 'inet6', local: '2001:db8::5', prefixlen: 64, scope: 'global', dynamic: true },
      ...{ valid_life_time: 7100, preferred_life_time: 3500 },
    },
    { family: 'inet6', local: '2001:db8:2::5', prefixlen: 64, scope: 'global', valid_life_time: 0xffffffff },
    { family: 'inet6', local: 'fe80::5', prefixlen: 64, scope: 'link' },
  ],
};
