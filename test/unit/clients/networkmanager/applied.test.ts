/** What the running NetworkManager is asked over D-Bus: by which calls, and what its answers become. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { isApplied, names6InForce } from '../../../../agent/clients/networkmanager/applied.ts';
import type { RunResult } from '../../../../agent/host/process/run-program.ts';
import { FolderHost } from '../../../parts/doctor-patient.ts';
import { scratch } from '../../../parts/scratch.ts';

const ROOT = '/org/freedesktop/NetworkManager';
const json = (type: string, data: unknown) => `${JSON.stringify({ type, data })}\n`;

/** Answers by the method or the properties that are asked for. */
class BusHost extends FolderHost {
  readonly asked: string[] = [];
  pid = 812;
  path = 3;
  answers: Record<string, string> = {};

  override processes(): ReturnType<FolderHost['processes']> {
    return [{ pid: this.pid, arguments: ['NetworkManager'], started: 0, sinceBoot: 0 }];
  }

  override run(_program: string, args: readonly string[]): RunResult {
    const [path = '', ...words] = args.slice(args.indexOf('org.freedesktop.NetworkManager') + 1);
    const what = words.find((word) => /^[A-Z]/.test(word)) ?? '';
    this.asked.push(what);
    const isGone = path.includes('/Devices/') && path !== `${ROOT}/Devices/${this.path}`;
    const stdout =
      what === 'GetDeviceByIpIface' ? json('o', [`${ROOT}/Devices/${this.path}`]) : (this.answers[what] ?? '');
    return { status: isGone || stdout === '' ? 1 : 0, stdout, stderr: '', error: null };
  }
}

function busHost(t: TestContext): BusHost {
  const host = new BusHost(
    scratch(t, { 'sys/class/net/eth0/ifindex': '2\n', 'sys/class/net/eth1/ifindex': '3\n' }),
    {},
  );
  const applied = { ipv4: { 'never-default': { type: 'b', data: true } } };
  host.answers = { GetAppliedConnection: json('a{sa{sv}}', [applied]) };
  return host;
}

const KEYS = [{ section: 'ipv4', key: 'never-default', value: 'true' }];

test('NetworkManager on D-Bus: a daemon that looks again asks one question of each device', (t) => {
  const host = busHost(t);
  for (const device of ['eth0', 'eth1']) assert.equal(isApplied(host, device, KEYS), true);
  host.asked.length = 0;
  for (const device of ['eth0', 'eth1']) assert.equal(isApplied(host, device, KEYS), true);
  assert.deepEqual(host.asked, ['GetAppliedConnection', 'GetAppliedConnection']);
});

test('NetworkManager on D-Bus: another NetworkManager, and a device that it took again, are asked for the path anew', (t) => {
  const host = busHost(t);
  assert.equal(isApplied(host, 'eth0', KEYS), true);
  host.pid = 900;
  host.asked.length = 0;
  assert.equal(isApplied(host, 'eth0', KEYS), true);
  assert.deepEqual(host.asked, ['GetDeviceByIpIface', 'GetAppliedConnection']);
  host.path = 7;
  assert.equal(isApplied(host, 'eth0', KEYS), true);
  host.answers = {};
  assert.equal(isApplied(host, 'eth0', KEYS), null, 'it does not answer');
});

test('NetworkManager on D-Bus: the name servers of IPv6 that are in force; a hostile answer has none', (t) => {
  const host = busHost(t);
  const told = (servers: unknown, search: unknown) => {
    host.answers = {
      Ip6Config: json('o', `${ROOT}/IP6Config/2`),
      Nameservers: json('aay', servers) + json('as', search),
    };
    return names6InForce(host, 'eth0');
  };
  const bytes = [32, 1, 13, 184, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 17];
  assert.deepEqual(told([bytes], ['a.example']), { nameservers: [Uint8Array.from(bytes)], search: ['a.example'] });
  assert.deepEqual(told([['x'], 5, [256]], [5]), { nameservers: [], search: [] });
  assert.equal(told('x', []), null);
  host.answers.Ip6Config = json('o', '/');
  assert.equal(names6InForce(host, 'eth0'), null, 'no IPv6');
});
