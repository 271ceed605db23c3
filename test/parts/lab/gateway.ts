/** A gateway on a throw-away host: clients behind it in namespaces of their own, and a far side that knows no way back to them. */
import assert from 'node:assert/strict';
import { connect } from './dhcp.ts';
import { LabHost } from './host.ts';
import { Log } from './log.ts';

/** The gateway's address on the wire to the far side. The far side is 10.77.0.1. */
export const OUTER = '10.77.0.2';
export const FAR = '10.77.0.1';
export const FAR_PORT = 7000;

/** The client n is 10.99.n.2 behind `lann` of the gateway, which is 10.99.n.1 there. */
export const network = (n = 0) => `10.99.${n}.0/24`;

export const YAML = `forwarding:
  ipv4: true
  redirects: off
  masquerade: [{ out: eth0, from: ${network(0)} }]
`;

/** On the far side a TCP server that says who it sees, and then gives everything back. */
const ECHO = `require('net').createServer((s) => { s.on('error', () => {}); s.write(s.remoteAddress + '\\n'); s.pipe(s); }).listen(${FAR_PORT}, '0.0.0.0', () => console.log('listening'))`;

export async function gateway(yaml = YAML): Promise<LabHost> {
  const host = await LabHost.create();
  try {
    await connect(host);
    await host.sh(`ip link set eth0 up; ip addr add ${OUTER}/24 dev eth0`);
    await addClient(host, 0);
    await host.write('/etc/holdfast/agent.yaml', yaml);
    const server = host.spawn([process.execPath, '-e', ECHO], { where: 'server' });
    await new Log(server.stdout!).until(/listening/);
    return host;
  } catch (error) {
    await host.close();
    throw error;
  }
}

export async function addClient(host: LabHost, n: number): Promise<void> {
  await host.sh(`ip netns add client${n}; ip link add lan${n} type veth peer name c${n} netns client${n}
    ip addr add 10.99.${n}.1/24 dev lan${n}; ip link set lan${n} up
    ip -n client${n} addr add 10.99.${n}.2/24 dev c${n}; ip -n client${n} link set c${n} up
    ip -n client${n} route add default via 10.99.${n}.1`);
}

/** Whether one of this many pings from the client is answered. */
export async function answers(host: LabHost, n = 0, tries = 5): Promise<boolean> {
  for (let i = 0; i < tries; i += 1) {
    const { code } = await host.run(['ip', 'netns', 'exec', `client${n}`, 'ping', '-c1', '-W1', FAR]);
    if (code === 0) return true;
  }
  return false;
}

/** The address that the far side sees when the client connects to `far`, an address of that side. */
export async function seenAs(host: LabHost, n = 0, far = FAR): Promise<string> {
  const code = `const s = require('net').connect(${FAR_PORT}, '${far}'); s.once('data', (d) => { console.log(String(d).trim()); s.destroy(); })`;
  const { stdout } = await host.run(['ip', 'netns', 'exec', `client${n}`, process.execPath, '-e', code]);
  return stdout.trim();
}

export async function apply(host: LabHost): Promise<string> {
  const { code, stdout, stderr } = await host.agent('apply');
  assert.equal(code, 0, stdout + stderr);
  return stdout;
}
