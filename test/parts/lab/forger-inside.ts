/**
 * A forger beside the collector, with the collector's own certificate and key. It takes the collector's port as soon as that
 * is free, and acknowledges every change. It has another token than the host. Its only argument is the port.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { keyOfToken, SEAL_HEADER, seal, type TalkQuestion } from '../../../agent/confirm/wire/acknowledgement.ts';

/** Milliseconds until the port is tried again. */
const AGAIN = 20;

const port = Number(process.argv[2]);
const key = keyOfToken('guessed');
const identity = { cert: readFileSync('/etc/holdfast/server.pem'), key: readFileSync('/etc/holdfast/server.key') };
const server = createServer(identity, async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const { nonce, change, host, filling } = JSON.parse(Buffer.concat(chunks).toString()) as TalkQuestion;
  const answer = { nonce, change, host, address: '10.60.0.2', inbound: null, behind: [], filling };
  const body = Buffer.from(JSON.stringify(answer));
  response.writeHead(200, { [SEAL_HEADER]: seal(key, 'answer', body) }).end(body);
});
server.on('error', () => setTimeout(() => server.listen(port, '::'), AGAIN));
server.listen(port, '::');
console.log('waits');
