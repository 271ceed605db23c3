/**
 * Reports the service's state to systemd (sd_notify(3)) by datagrams to the Unix socket of $NOTIFY_SOCKET. Node cannot
 * make such a socket, but it can write(2) to a connected socket that it inherits. At its start the process therefore
 * executes perl (Debian's essential perl-base) once. perl makes and connects the socket, and executes the agent again.
 * If perl is missing, systemd-notify(1) sends the few messages, and the watchdog, which needs one every few seconds, is
 * off. perl also makes standard input non-blocking if the unit sets it to a device, because Node cannot do that either.
 */
import { accessSync, constants, writeSync } from 'node:fs';
import { isSea } from 'node:sea';
import { runProgram } from '../process/run-program.ts';

const PERL = '/usr/bin/perl';
const FD = 'HOLDFAST_NOTIFY_FD';

/** perl's program. After any failure in it, it still executes the agent again, without the descriptor. */
const CONNECT = `
eval {
  require Socket;
  require Fcntl;
  fcntl(STDIN, Fcntl::F_SETFL(), Fcntl::O_NONBLOCK()) if -c STDIN;
  $^F = 1023;
  my $path = $ENV{NOTIFY_SOCKET};
  $path =~ s/^@/\\0/;
  socket(my $socket, Socket::AF_UNIX(), Socket::SOCK_DGRAM(), 0) or die;
  connect($socket, Socket::pack_sockaddr_un($path)) or die;
  $ENV{${FD}} = fileno($socket);
  exec { $ARGV[0] } @ARGV;
};
exec { $ARGV[0] } @ARGV;
`;

/** Call this before any other work: the process executes itself again if it can get a socket. */
export function inheritNotifySocket(): void {
  const { env, execPath, execArgv, argv } = process;
  if (!env.NOTIFY_SOCKET || env[FD] !== undefined || !isExecutable(PERL)) return;
  const again = isSea() ? argv.slice(2) : [...execArgv, ...argv.slice(1)];
  process.execve?.(PERL, [PERL, '-e', CONNECT, execPath, ...again], { ...env, [FD]: '' });
}

/** A failed execve(2) ends the process. */
function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface Notifier {
  /** Sends states such as `READY=1` to systemd, one a line. Never throws. */
  send(state: string): void;
  /** Milliseconds within which systemd wants `WATCHDOG=1`; null if it wants none, or we cannot send it. */
  readonly watchdog: number | null;
}

/** null if no service manager listens. */
export function notifier(env: NodeJS.ProcessEnv = process.env): Notifier | null {
  if (!env.NOTIFY_SOCKET) return null;
  const fd = Number.parseInt(env[FD] ?? '', 10);
  if (Number.isNaN(fd)) return bySystemdNotify(env.NOTIFY_SOCKET);
  const watchdog = Number(env.WATCHDOG_USEC) / 1000;
  const ours = env.WATCHDOG_PID === undefined || Number(env.WATCHDOG_PID) === process.pid;
  return {
    watchdog: watchdog > 0 && ours ? watchdog : null,
    send(state) {
      try {
        writeSync(fd, state);
      } catch {
        // systemd is restarting, or its queue is full: the next message carries the state.
      }
    },
  };
}

function bySystemdNotify(socket: string): Notifier {
  const send = (...states: string[]) => {
    runProgram('env', [`NOTIFY_SOCKET=${socket}`, 'systemd-notify', `--pid=${process.pid}`, ...states]);
  };
  send('WATCHDOG_USEC=0');
  return { watchdog: null, send: (state) => send(...state.split('\n')) };
}
