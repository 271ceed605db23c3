/** A power cut after each step of a trial and of its undo: the next boot has everything as before. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { test } from 'node:test';
import { Machine, unavailable } from './machine.ts';
import { installService } from './service.ts';

const skip = unavailable();
const ROUTER = '10.77.0.1';
const PORT = 7022;
const CONFIGURATION = '/etc/holdfast/agent.yaml';
const LISTENS = `require('node:net').createServer((socket) => socket.end()).listen(${PORT}, () => console.log('ready'))`;
const CONFIRM = `confirm: { by: local, within: 600s, also: [{ tcp: "${ROUTER}:${PORT}" }] }\n`;
const GOOD = 'sysctl: { net.ipv4.conf.default.send_redirects: 0 }\n';
const WRONG = `routes: [{ to: ${ROUTER}/32, type: blackhole }]
sysctl: { net.ipv4.ip_forward: 1 }
dns: { nameservers: [10.77.0.98] }
`;

/** Seconds for which the agent waits before it renames a file. In that time its steps so far are looked at. */
const HELD = 1;
const RENAMES = 'rename,renameat,renameat2';

/** Shell: prints the steps of a trial that are made now, in the order in which they stand here. */
const STEPS = `
  folder=/var/lib/holdfast/trial
  has() { if eval "$2" >/dev/null 2>&1; then echo "$1"; fi; }
  has armed 'systemctl list-units --all --plain --no-legend "holdfast-trial-*.timer" | grep -q .'
  has record '[ -e $folder/record ]'
  has configuration '[ -e $folder/configuration ]'
  has journal '[ -e $folder/changes ]'
  has sysctl.d 'grep -q ip_forward /etc/sysctl.d/60-holdfast.conf'
  has ip_forward '[ "$(cat /proc/sys/net/ipv4/ip_forward)" = 1 ]'
  has route 'ip route | grep -q blackhole'
  has resolv.conf 'grep -q 10.77.0.98 /etc/resolv.conf'
  has dhclient.conf 'grep -q 10.77.0.98 /etc/dhcp/dhclient.conf'
  has hook '[ -e /etc/dhcp/dhclient-enter-hooks.d/zz-holdfast ]'
  has waiting 'grep -q "\\"changed\\":[0-9]" $folder/record'`;

class TriedMachine {
  readonly machine: Machine;

  constructor(machine: Machine) {
    this.machine = machine;
  }

  async steps(): Promise<string[]> {
    return (await this.machine.sh(STEPS)).split('\n').filter(Boolean);
  }

  everything(): Promise<string> {
    return this.machine.sh(`while ip -6 addr show tentative | grep -q tentative; do sleep 0.1; done
      find /etc -type f ! -path ${CONFIGURATION} | sort | xargs -d '\\n' sha256sum
      ip -d route show table all; ip -6 route; sysctl -a 2>/dev/null | grep -e '^net.ipv[46].conf' -e ip_forward | grep -v stable_secret`);
  }

  /** Starts the agent, which waits before each rename. */
  slowly(...args: string[]): ChildProcess {
    const hold = ['strace', '-f', '--seccomp-bpf', '-qqq', '-o', '/dev/null', '-e', `trace=${RENAMES}`];
    const inject = ['-e', `inject=${RENAMES}:delay_enter=${HELD * 1_000_000}`];
    const child = this.machine.outside.spawn([...hold, ...inject, ...this.machine.commandLine(['agent', ...args])]);
    child.stdout!.resume();
    child.stderr!.resume();
    return child;
  }

  /** Looks again and again. Returns the steps as soon as they fulfil this. */
  async until(what: string, fulfil: (steps: readonly string[]) => boolean): Promise<string[]> {
    const deadline = performance.now() + 120_000;
    for (;;) {
      const steps = await this.steps();
      if (fulfil(steps)) return steps;
      if (performance.now() > deadline) throw new Error(`${what}: only ${steps.join(', ')}`);
    }
  }

  async cutAndBoot(): Promise<void> {
    await this.machine.sh('sync');
    await this.machine.pullPlug();
    await this.machine.reboot();
  }
}

test('power cut: after each step of a trial and of its undo, the next boot has everything as before', {
  skip,
}, async (t) => {
  await using machine = await Machine.boot({
    release: 'bookworm',
    dhcp: { offers: `option routers ${ROUTER}; option domain-name-servers 10.77.0.97;` },
    files: { [CONFIGURATION]: GOOD + CONFIRM },
  });
  const router = machine.spawn([process.execPath, '-e', LISTENS], { where: 'server' });
  await new Promise((resolve) => router.stdout!.once('data', resolve));
  await installService(machine);
  await machine.sh('systemctl enable holdfast-apply; agent apply');
  await machine.reboot();
  const tried = new TriedMachine(machine);
  const then = await tried.everything();
  assert.deepEqual(await tried.steps(), []);

  const change = (n: string) => machine.write(CONFIGURATION, `# ${n}\n${WRONG}${CONFIRM}`);
  const booted = async (what: string, isOnTrial: boolean) => {
    await tried.cutAndBoot();
    t.diagnostic(what);
    const now = await tried.everything();
    assert.deepEqual([...new Set(now.split('\n')).symmetricDifference(new Set(then.split('\n')))], [], what);
    assert.deepEqual(await tried.steps(), [], what);
    const status = (await machine.run(['agent', 'status'])).stdout;
    if (isOnTrial) assert.match(status, /the machine was booted before the change was confirmed/, what);
  };

  let all: string[] = [];
  for (let n = 1; !all.includes('waiting'); n = all.length + 1) {
    await change(`cut ${n}`);
    tried.slowly('apply');
    all = await tried.until(`${n} steps`, (steps) => steps.length >= n);
    await booted(`cut after ${all.join(', ')}`, all.includes('record'));
  }
  assert.ok(all.length > 8, `only these were seen: ${all.join(', ')}`);

  for (const left of [all.length - 1, Math.ceil(all.length / 2)]) {
    await change(`undo ${left}`);
    machine.spawn(['agent', 'apply']).stdout!.resume();
    await tried.until('a trial', (steps) => steps.includes('waiting'));
    await machine.sh('pkill -KILL -x agent');
    tried.slowly('revert', '--trial');
    const rest = await tried.until(`an undo to ${left} steps`, (steps) => steps.length <= left);
    await booted(`cut in the undo, with these left: ${rest.join(', ')}`, rest.includes('record'));
  }
});
