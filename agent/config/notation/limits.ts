/** MAXNS and MAXRESOLVSORT of resolv.h: libc reads no more. */
export const MAX_NAMESERVERS = 3;
export const MAX_SORTLIST = 10;

/** Addresses of servers that are to be switched off at one time. */
export const MOST_RETIRED = 64;

/** Bounds of `dns.split`, far above what any site is known to have. */
export const MOST_SPLITS = 32;
export const MOST_SPLIT_DOMAINS = 64;
export const MOST_SPLIT_SERVERS = 8;
