/** What `agent run` tells a collector: a receiver of OTLP in JSON on the throw-away host itself, which prints it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { type LabHost, unavailable } from '../parts/lab/host.ts';
import { Log } from '../parts/lab/log.ts';
import { AGENT_YAML, staleHost } from '../parts/lab/scene.ts';

const skip = unavailable();

/** A renewal also puts resolv.conf right, so it must not come before the agent. */
const SELDOM = { renewEvery: 600 };

const REPORT = `report: { endpoint: "http://127.0.0.1:4318", interval: 1s, format: json, labels: { site: lab } }
probes: { off: [canary, nameservers, memory-errors, routes-by-protocol] }
`;

/** Prints `metric NAME VALUE ATTRIBUTES` and `event NAME BODY`, one a line, as they come. */
const RECEIVER = `
const { createServer } = require('node:http');
const { gunzipSync } = require('node:zlib');
const attributes = (list) => JSON.stringify(Object.fromEntries(list.map(({ key, value }) => [key, Object.values(value)[0]])));
createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const raw = Buffer.concat(chunks);
  const body = JSON.parse(request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw);
  for (const resource of body.resourceMetrics ?? []) {
    console.log('resource', attributes(resource.resource.attributes));
    for (const { metrics } of resource.scopeMetrics) for (const { name, gauge, sum } of metrics)
      for (const { asInt, asDouble, attributes: list } of (gauge ?? sum).dataPoints) console.log('metric', name, asInt ?? asDouble, attributes(list));
  }
  for (const { scopeLogs } of body.resourceLogs ?? []) for (const { logRecords } of scopeLogs)
    for (const { eventName, body } of logRecords) console.log('event', eventName, body.stringValue);
  response.setHeader('content-type', 'application/json').end('{}');
}).listen(4318, '127.0.0.1', () => console.log('listening'));
`;

async function receiver(host: LabHost): Promise<Log> {
  const log = new Log(host.spawn([process.execPath, '-e', RECEIVER]).stdout!);
  await log.until(/^listening$/);
  return log;
}

test('run: heartbeats carry what is held and what was seen, events come once, and the last one is the end', {
  skip,
}, async () => {
  await using scene = await staleHost(SELDOM);
  const { host } = scene;
  await host.write('/etc/holdfast/agent.yaml', AGENT_YAML + REPORT);
  const received = await receiver(host);
  const agent = await RunningAgent.start(host);

  await received.until(/^event holdfast\.start /);
  await received.until(/^resource .*"holdfast\.label\.site":"lab"/);
  await received.until(
    /^metric holdfast\.setting\.state 1 .*"setting":"dns\.nameservers","moment":"lease","state":"ok"/,
  );
  await received.until(/^metric holdfast\.probe\.success 1 .*"probe":"resources"/);
  await received.until(/^metric system\.network\.route\.count /);

  await host.sh('echo nameserver 192.0.2.1 >/etc/resolv.conf');
  await received.until(/^event holdfast\.heal \/etc\/resolv\.conf was changed/);
  await received.until(/^metric holdfast\.heals 1 .*"resource":"resolver"/);

  const beats = received.count(/^metric holdfast\.heartbeat\.sequence /);
  assert.equal(await agent.stop(), 0);
  await received.until(/^event holdfast\.stop stopped: SIGTERM$/);
  assert.ok(received.count(/^metric holdfast\.heartbeat\.sequence /) > beats);
  assert.equal(received.count(/^event holdfast\.start /), 1);
});

test('run: what a collector that was away missed it gets from the next start', { skip }, async () => {
  await using scene = await staleHost(SELDOM);
  const { host } = scene;
  await host.write('/etc/holdfast/agent.yaml', AGENT_YAML + REPORT);
  const first = await RunningAgent.start(host);
  await host.sh('echo nameserver 192.0.2.1 >/etc/resolv.conf');
  await first.event('holdfast.heal');
  assert.equal(await first.stop(), 0);

  const received = await receiver(host);
  const second = await RunningAgent.start(host);
  await received.until(/^event holdfast\.heal \/etc\/resolv\.conf was changed/);
  await received.until(/^event holdfast\.stop stopped: SIGTERM$/);
  await received.until(/^event holdfast\.start /, await received.indexOf(/^event holdfast\.stop /));
  assert.equal(await second.stop(), 0);
});
