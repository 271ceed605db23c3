/**
 * Variables that Node, OpenSSL and libuv obey. They are meant for somebody else's Node; where sudo(8) keeps the caller's
 * environment they would let that caller decide what root trusts (NODE_EXTRA_CA_CERTS, NODE_TLS_REJECT_UNAUTHORIZED),
 * reads (NODE_ICU_DATA), writes (NODE_V8_COVERAGE, NODE_COMPILE_CACHE) and shows (NODE_DEBUG).
 */
const FOREIGN = /^(NODE|OPENSSL|SSL|UV)_/;

/** The environment without them; null where it has none. */
export function withoutForeign(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv | null {
  const own = Object.entries(environment).filter(([name]) => !FOREIGN.test(name));
  return own.length === Object.keys(environment).length ? null : Object.fromEntries(own);
}
