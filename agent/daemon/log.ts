/** The daemon's log on stderr: one JSON object a line for a service, lines for people on a terminal. */
import { isatty } from 'node:tty';
import { type DestinationStream, destination, pino, stdTimeFunctions } from 'pino';
import { visible } from '../config/errors.ts';
import type { Tell } from './events.ts';

const STDERR = 2;

/** `stream`: where to, instead of stderr as it is. */
export function makeLog(stream: DestinationStream = stderr()): Tell {
  const log = pino(
    {
      // The journal knows host and process.
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    stream,
  );
  return ({ severity, name, body, attributes }) => log[severity]({ event: name, ...attributes }, body);
}

/** Lines of the log as a person reads them: `12:34:56 warn   /etc/resolv.conf was changed …`. */
export function forPeople(print: (line: string) => void): DestinationStream {
  return {
    write(line) {
      const { time, level, msg } = JSON.parse(line) as { time: string; level: string; msg: string };
      print(`${time.slice(11, 19)} ${level.padEnd(5)} ${visible(msg)}\n`);
    },
  };
}

function stderr(): DestinationStream {
  const stream = destination({ fd: STDERR, sync: true });
  stream.on('error', () => {}); // whoever read it is gone: no reason to stop holding
  return isatty(STDERR) ? forPeople((line) => stream.write(line)) : stream;
}
