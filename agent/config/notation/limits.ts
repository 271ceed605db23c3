/** MAXNS and MAXRESOLVSORT of resolv.h: libc reads no more. */
export const MAX_NAMESERVERS = 3;
export const MAX_SORTLIST = 10;
