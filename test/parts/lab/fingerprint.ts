/** A throw-away host as lines of text: whatever a rehearsal did to it shows as another line. */
import type { LabHost } from './host.ts';

/** What is different from then: lines that came, and that went. */
export async function changedSince(host: LabHost, before: readonly string[]): Promise<string[]> {
  const now = await fingerprint(host);
  const [had, has] = [new Set(before), new Set(now)];
  return [
    ...now.filter((line) => !had.has(line)).map((line) => `+ ${line}`),
    ...before.filter((line) => !has.has(line)).map((line) => `- ${line}`),
  ];
}

/** Files, network, kernel settings, mounts, name and processes of the host, a line each. */
export async function fingerprint(host: LabHost): Promise<string[]> {
  // The links' own IPv6 addresses are tried out for a second or two.
  const settled = 'while ip -6 addr show tentative | grep -q .; do sleep 0.1; done';
  await host.sh(`${settled}; ip netns exec server sh -c '${settled}'`);
  const text = await host.sh(`
    find / /usr /var /var/lib -maxdepth 1 -printf '%p %y %m %T@\\n' | grep -v '^/tmp '
    find /etc /run /var/lib/dhcp /var/lib/holdfast /var/lib/NetworkManager /var/tmp -xdev -path '/run/lab/dhcpd*' -prune -o -printf '%p %y %m %s %T@ %l\\n' 2>/dev/null || :
    find /etc /run/holdfast /var/lib/dhcp /var/lib/holdfast /var/lib/NetworkManager -xdev -type f -exec sha256sum {} + 2>/dev/null || :
    ip -o link; ip -o addr | sed 's/valid_lft [0-9]*sec preferred_lft [0-9]*sec//'; ip route show table all | sed 's/ expires [0-9]*sec//'; ip netns list
    ip netns exec server ip -o addr; hostname; cat /proc/sys/vm/swappiness /proc/sys/kernel/core_pattern
    for file in /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/*/* /proc/sys/net/ipv6/conf/*/*; do
      printf '%s ' "$file"; cat "$file" 2>/dev/null || echo
    done
    cat /proc/self/mountinfo
    ps -eo args= | grep -v -e '^ps -eo' -e '^grep ' -e '^sh -ec' -e '^ip -o'`);
  return text.split('\n');
}
