/**
 * Tells systemd how the service is (sd_notify(3)): datagrams to the Unix socket of $NOTIFY_SOCKET. Node can neither make
 * such a socket nor take one over, but it can write(2) to a connected one that it has inherited. So the process has
 * itself replaced, once at its start and as the same process, by perl (of Debian's essential perl-base), which makes and
 * connects the socket and becomes the agent again. Where there is no perl, systemd-notify(1) is started for the few
 * messages of a life, and the watchdog, which would need one every few seconds, is switched off.
 * For the same want perl makes a standard input that is a device, which the unit may say, one that never waits.
 */
import { accessSync, constants, writeSync } from 'node:fs';
import { isSea } from 'node:sea';
import { run } from './run.ts';

const PERL = '/usr/bin/perl';
const FD = 'HOLDFAST_NOTIFY_FD';

/** Whatever fails in it, it becomes the agent again; then without the descriptor. */
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

/** To be called before anything is begun: the process starts again where a socket is to be had. */
export function inheritNotifySocket(): void {
  const { env, execPath, execArgv, argv } = process;
  if (!env.NOTIFY_SOCKET || env[FD] !== undefined || !isExecutable(PERL)) return;
  const again = isSea() ? argv.slice(2) : [...execArgv, ...argv.slice(1)];
  process.execve?.(PERL, [PERL, '-e', CONNECT, execPath, ...again], { ...env, [FD]: '' });
}

/** A replacement that fails ends the process. */
function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface Notifier {
  /** The states that systemd is to know, such as `READY=1`; may be many lines. Never throws. */
  send(state: string): void;
  /** Milliseconds within which systemd wants `WATCHDOG=1`; null: it does not, or it cannot be said. */
  readonly watchdog: number | null;
}

/** null: no one wants to know. */
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
        // systemd is being restarted, or its queue is full: the next message will tell.
      }
    },
  };
}

function bySystemdNotify(socket: string): Notifier {
  const send = (...states: string[]) => {
    run('env', [`NOTIFY_SOCKET=${socket}`, 'systemd-notify', `--pid=${process.pid}`, ...states]);
  };
  send('WATCHDOG_USEC=0');
  return { watchdog: null, send: (state) => send(...state.split('\n')) };
}
