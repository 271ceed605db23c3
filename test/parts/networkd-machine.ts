/** The files and steps by which a booted Debian has systemd-networkd and systemd-resolved in place of ifupdown. */

export const NETWORKD_SETUP =
  'systemctl enable systemd-networkd systemd-resolved; ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf';

/** `sections`: of the link's .network file, after the one that names the link. */
export function networkdFiles(sections: string): Record<string, string> {
  return {
    '/etc/network/interfaces': 'auto lo\niface lo inet loopback\n',
    '/etc/systemd/network/10-lan.network': `[Match]\nName=eth0\n\n${sections}`,
  };
}
