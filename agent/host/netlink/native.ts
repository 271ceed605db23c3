/** The one module that needs native code, apart from the rest so that only who talks to the kernel loads it. */
export { RawNetlinkSocket } from 'netlink/dist/raw.js';
