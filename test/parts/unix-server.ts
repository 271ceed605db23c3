/** A server on a unix socket that answers as a test says: it stands for a daemon that works, hangs or lies. */
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { scratch } from './scratch.ts';

/** Called for each connection. Returns the path of the socket. The server ends with the test. */
export async function unixServer(t: TestContext, serve: (socket: Socket) => void): Promise<string> {
  const path = join(scratch(t), 'control');
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    // A client that has seen enough hangs up.
    socket.on('error', () => {});
    serve(socket);
  });
  await new Promise<void>((done) => server.listen(path, done));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return path;
}

/** Calls `answer` with each question, which ends with the byte `end`. */
export function eachQuestion(socket: Socket, end: '\0' | '\n', answer: (question: string) => void): void {
  let rest = '';
  socket.on('data', (data) => {
    const questions = (rest + data.toString('latin1')).split(end);
    rest = questions.pop()!;
    for (const question of questions) answer(question);
  });
}
