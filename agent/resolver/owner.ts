/** Who generates the file that resolv.conf links to; null where it is nobody known. */
export function linkOwner(target: string): string | null {
  const owners: [RegExp, string][] = [
    [/\/systemd\/(resolve|resolved)/, 'systemd-resolved'],
    [/\/resolvconf\//, 'resolvconf'],
    [/\/NetworkManager\//, 'NetworkManager'],
    [/\/connman\//, 'connman'],
    [/\/netconfig\//, 'netconfig'],
  ];
  return owners.find(([pattern]) => pattern.test(target))?.[1] ?? null;
}
