/** Debian's packages that any test here needs on its machine: one list, so that there is one disk. */
export const PACKAGES = ['isc-dhcp-client', 'dnsmasq-base', 'bird2', 'nftables'];
