/**
 * Variables that Node, OpenSSL and libuv obey. They are meant for somebody else's Node; where sudo(8) keeps the caller's
 * environment they would let that caller decide what root trusts (NODE_EXTRA_CA_CERTS, NODE_TLS_REJECT_UNAUTHORIZED),
 * reads (NODE_ICU_DATA), writes (NODE_V8_COVERAGE, NODE_COMPILE_CACHE) and shows (NODE_DEBUG).
 */
const FOREIGN = /^(NODE|OPENSSL|SSL|UV)_/;

/** Those that have had their effect when the first line of a program runs (Node 24, cli.md "Environment variables"). */
const AT_START =
  /^((OPENSSL|UV)_|NODE_(CHANNEL_|CLUSTER_|COMPILE_CACHE|DEBUG|ICU_DATA|PENDING_|PRESERVE_|REDIRECT_WARNINGS|UNIQUE_ID|V8_COVERAGE))/;

/** Those that Node keeps at its start for the first connection by TLS. */
const FOR_TLS = /^(SSL_|NODE_(EXTRA_CA_CERTS|TLS_REJECT_UNAUTHORIZED|USE_))/;

/** The commands that speak TLS. */
const SPEAK_TLS = ['run', 'collector'];

/**
 * What to do about them, for a command line (without the program): the environment to start anew with, or null, where it is
 * enough to forget the variables named. To start anew takes as long as a whole short command.
 */
export function withoutForeign(
  environment: NodeJS.ProcessEnv,
  args: readonly string[],
): { readonly anew: NodeJS.ProcessEnv | null; readonly forget: readonly string[] } {
  const forget = Object.keys(environment).filter((name) => FOREIGN.test(name));
  const speaksTls = args.some((word) => SPEAK_TLS.includes(word));
  if (!forget.some((name) => AT_START.test(name) || (speaksTls && FOR_TLS.test(name)))) return { anew: null, forget };
  const own = Object.entries(environment).filter(([name]) => !FOREIGN.test(name));
  return { anew: Object.fromEntries(own), forget };
}
