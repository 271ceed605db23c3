/**
 * Variables that Node, OpenSSL and libuv obey, and that are meant for another Node. If sudo(8) keeps the caller's
 * environment, the caller would decide what root trusts (NODE_EXTRA_CA_CERTS, NODE_TLS_REJECT_UNAUTHORIZED), reads
 * (NODE_ICU_DATA), writes (NODE_V8_COVERAGE, NODE_COMPILE_CACHE) and prints (NODE_DEBUG).
 */
const FOREIGN = /^(NODE|OPENSSL|SSL|UV)_/;

/** Variables that take effect before the first line of a program runs (Node 24, cli.md "Environment variables"). */
const AT_START =
  /^((OPENSSL|UV)_|NODE_(CHANNEL_|CLUSTER_|COMPILE_CACHE|DEBUG|ICU_DATA|PENDING_|PRESERVE_|REDIRECT_WARNINGS|UNIQUE_ID|V8_COVERAGE))/;

/** Variables that Node reads at its start and uses for the first TLS connection. */
const FOR_TLS = /^(SSL_|NODE_(EXTRA_CA_CERTS|TLS_REJECT_UNAUTHORIZED|USE_))/;

/** The commands that speak TLS. */
const SPEAK_TLS = ['run', 'collector'];

/**
 * What a command line (without the program) needs: the environment for a new start, or null if it is enough to remove
 * the named variables. A new start takes as long as a whole short command.
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
