/** In the order of apply: the hooks first, so that no lease event undoes what comes after them. */
export const RESOURCE_NAMES = ['hooks', 'dhcpcd', 'resolved', 'resolver', 'dhclient', 'sysctl'] as const;
export type ResourceName = (typeof RESOURCE_NAMES)[number];
