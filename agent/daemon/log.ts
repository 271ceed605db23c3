/**
 * The daemon's log on stderr. The journal gets a sentence with details, a terminal gets lines, all other readers get
 * JSON lines.
 */
import { isatty } from 'node:tty';
import { type DestinationStream, destination, pino, stdTimeFunctions } from 'pino';
import { visible } from '../config/config-error.ts';
import { forJournal, isJournal, type JournalLevel } from '../host/service/journal.ts';
import type { Tell } from './daemon-events.ts';

const STDERR = 2;

/** `stream` replaces stderr. */
export function makeLog(stream: DestinationStream = stderr()): Tell {
  const log = pino(
    {
      // The journal records the host and the process itself.
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    stream,
  );
  return ({ severity, name, body, attributes }) => log[severity]({ event: name, ...attributes }, body);
}

/** Lines of the log in the form for people: `12:34:56 warn   /etc/resolv.conf was changed …`. */
export function forPeople(print: (line: string) => void): DestinationStream {
  return {
    write(line) {
      const { time, level, msg } = JSON.parse(line) as { time: string; level: string; msg: string };
      print(`${time.slice(11, 19)} ${level.padEnd(5)} ${visible(msg)}\n`);
    },
  };
}

/**
 * `<4>/etc/resolv.conf was changed … {"event":"holdfast.heal",…}`: the journal adds the time and takes the level from
 * `<4>`.
 */
export function forTheJournal(print: (line: string) => void): DestinationStream {
  return {
    write(line) {
      const {
        time: _,
        level,
        msg,
        ...details
      } = JSON.parse(line) as { time: string; level: JournalLevel; msg: string };
      const sentence = visible(msg.replaceAll('\n', '; '));
      print(`${forJournal(level, `${sentence} ${JSON.stringify(details)}`)}\n`);
    },
  };
}

function stderr(): DestinationStream {
  const stream = destination({ fd: STDERR, sync: true });
  stream.on('error', () => {}); // the log's reader has gone away, but the host must still be held
  if (isatty(STDERR)) return forPeople((line) => stream.write(line));
  return isJournal() ? forTheJournal((line) => stream.write(line)) : stream;
}
