/** MAXNS and MAXRESOLVSORT of resolv.h: libc reads no more. */
export const MAX_NAMESERVERS = 3;
export const MAX_SORTLIST = 10;

/** Addresses of servers that are to be switched off at one time. */
export const MOST_RETIRED = 64;
