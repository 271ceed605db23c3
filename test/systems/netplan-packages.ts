/** Debian with netplan and cloud-init beside systemd-networkd. */

/** debootstrap chooses no package for a virtual one, so python3-cffi-backend is named. */
export const NETPLAN_PACKAGES = [
  'systemd-resolved',
  'netplan.io',
  'cloud-init',
  'python3-cffi-backend',
  'udev',
] as const;
