/** BIRD is asked over its control socket, and whatever it answers, the agent goes on. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Bird } from '../../../../agent/host/routing-daemons/bird.ts';
import { ControlSocketError } from '../../../../agent/host/routing-daemons/control-socket.ts';
import { eachQuestion, unixServer } from '../../../parts/unix-server.ts';

const never = new AbortController().signal;
const READY = '0001 BIRD 2.0.12 ready.\n';
const RUNNING = '1000-BIRD 2.0.12\n1011-Router ID is 10.88.0.2\n Hostname is lab\n0013 Daemon is up and running\n';

const channel = (family: string, state: string, routes: string) => `1006-  Channel ${family}
     State:          ${state}
     Table:          master4
     Preference:     10
     Input filter:   ACCEPT
     Output filter:  (unnamed)
${routes}     Route change stats:     received   rejected   filtered    ignored   accepted
       Export updates:              6          1          0        ---          5
`;

/** As BIRD 2.0.12 answers; kernel2 has the line of a BIRD that keeps filtered routes, koff is off. */
const ANSWERS: Record<string, string> = {
  restrict: '0016 Access restricted\n',
  'show status': RUNNING,
  'show protocols': `2002-Name       Proto      Table      State  Since         Info
1002-device1    Device     ---        up     12:13:24.641  
1002-Kernel     Static     master4    up     12:13:24.641  
1002-kernel1    Kernel     master4    up     12:13:24.641  
1002-my-kernel  Kernel     master6    up     12:13:24.641  
1002-koff       Kernel     t42        down   12:13:24.641  
0000 
`,
  'show protocols all kernel1': `2002-Name       Proto      Table      State  Since         Info
1002-kernel1    Kernel     master4    up     12:13:24.641  
${channel('ipv4', 'UP', '     Routes:         1 imported, 4 exported, 1 preferred\n')} 
0000 
`,
  "show protocols all 'my-kernel'": `2002-Name       Proto      Table      State  Since         Info
1002-my-kernel  Kernel     master6    up     12:13:24.641  
${channel('ipv6', 'UP', '     Routes:         1 imported, 3 filtered, 200000 exported, 1 preferred\n')} 
0000 
`,
  'show protocols all koff': `2002-Name       Proto      Table      State  Since         Info
1002-koff       Kernel     t42        down   12:13:24.641  
${channel('ipv4', 'DOWN', '')} 
0000 
`,
};

async function bird(t: TestContext, answers: Record<string, string>, end = (socket: Socket) => socket.resume()) {
  const asked: string[] = [];
  const path = await unixServer(t, (socket) => {
    socket.write(answers.ready ?? READY);
    eachQuestion(socket, '\n', (question) => {
      asked.push(question);
      const answer = answers[question] ?? ANSWERS[question];
      if (answer === undefined) end(socket);
      else socket.write(answer);
    });
  });
  return { path, asked };
}

async function open(t: TestContext, answers: Record<string, string> = {}, time = 2_000) {
  const { path, asked } = await bird(t, answers);
  const opened = (await Bird.open(path, never, { time, bytes: 2 ** 20 }))!;
  t.after(() => opened[Symbol.dispose]());
  return { bird: opened, asked };
}

function fault(code: ControlSocketError['code'], message = /./) {
  return (error: unknown) => error instanceof ControlSocketError && error.code === code && message.test(error.message);
}

test('bird: the channels of kernel protocols, over a connection that may only look', async (t) => {
  const { bird: one, asked } = await open(t);
  assert.deepEqual(await one.kernelChannels(), [
    { protocol: 'kernel1', family: 'ipv4', up: true, exported: 4 },
    { protocol: 'my-kernel', family: 'ipv6', up: true, exported: 200_000 },
    { protocol: 'koff', family: 'ipv4', up: false, exported: 0 },
  ]);
  assert.equal(asked[0], 'restrict');
  assert.equal(await one.settled(), true);
});

for (const [what, status] of Object.entries({
  'recovers from a graceful restart': `1000-BIRD 2.0.12\n0024-Graceful restart recovery in progress\n${RUNNING.slice(17)}`,
  'shuts down': '1000-BIRD 2.0.12\n0013 Shutdown in progress\n',
  'is reconfigured': '1000-BIRD 2.0.12\n0013 Reconfiguration in progress\n',
})) {
  test(`bird: a BIRD that ${what} is not settled`, async (t) => {
    const { bird: one } = await open(t, { 'show status': status });
    assert.equal(await one.settled(), false);
  });
}

test('bird: the routes that it puts into the kernel, each once', async (t) => {
  const { bird: one } = await open(t, {
    'show route export kernel1': `1007-Table master4:
 10.3.0.0/16          unicast [static1 12:13:24.641] * (200)
 \tvia 10.88.0.1 on eth0 weight 1
 \tvia 10.88.0.3 on eth0 weight 1
 10.2.0.0/16          blackhole [static1 12:13:24.641] * (200)
 2001:db8::/48        unicast [static2 12:13:24.641] * (200)
0000 
`,
  });
  const found: string[] = [];
  await one.routes('kernel1', (prefix) => found.push(prefix));
  assert.deepEqual(found, ['10.3.0.0/16', '10.2.0.0/16', '2001:db8::/48']);
});

test('bird: rubbish is named', async (t) => {
  for (const ready of ['220 mail.example.com ESMTP\n', '\n', ' 0001 BIRD\n', '0001 BIRD\n0001 BIRD\n']) {
    const { path } = await bird(t, { ready });
    await assert.rejects(Bird.open(path, never), fault('rubbish'), ready);
  }
  const { bird: one } = await open(t, {
    'show protocols': "1002-x';configure    Kernel     master4    up     12:13\n0000 \n",
  });
  await assert.rejects(one.kernelChannels(), fault('rubbish', /characters/));
  const many = Array.from({ length: 1000 }, (_, n) => `1002-k${n} Kernel master4 up 12:13\n`).join('');
  const { bird: two } = await open(t, { 'show protocols': `${many}0000 \n` });
  await assert.rejects(two.kernelChannels(), fault('rubbish', /more than 64/));
});

test('bird: an error of BIRD is named', async (t) => {
  const { bird: one } = await open(t, { 'show status': '9001 syntax error\n' });
  await assert.rejects(one.settled(), fault('refused', /show status.*9001/));
});

test('bird: a daemon that hangs before its greeting, or later, is given up', async (t) => {
  const { path } = await bird(t, { ready: '' });
  await assert.rejects(Bird.open(path, never, { time: 50, bytes: 1000 }), fault('silent'));
  const { bird: one } = await open(t, { 'show status': '' }, 50);
  await assert.rejects(one.settled(), fault('silent'));
});

test('bird: a line, or an answer, without an end is given up', async (t) => {
  const { bird: one } = await open(t, { 'show status': `1000-${'x'.repeat(2 ** 21)}` });
  await assert.rejects(one.settled(), fault('too-long'));
  const { bird: two } = await open(t, { 'show status': '1000-x\n'.repeat(2 ** 18) });
  await assert.rejects(two.settled(), fault('too-long'));
});

test('bird: a connection that closes midway is named', async (t) => {
  const { path } = await bird(t, {}, (socket) => socket.end('1007-Table mas'));
  using one = (await Bird.open(path, never))!;
  await assert.rejects(
    one.routes('kernel1', () => {}),
    fault('closed'),
  );
});
