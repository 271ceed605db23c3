/** The no-op as others do it, each with less to look at than Holdfast has. */

const RESOLV_CONF = `domain example.com
search dev.example.com example.com
nameserver 10.77.0.21
nameserver 10.77.0.22
sortlist 10.72.52.100/255.255.255.255 10.72.0.0/255.255.0.0
options timeout:1 rotate
`;

/** The lower bound: the cost of a careful operator's own script for resolv.conf and three sysctls, only for now. */
export const SHELL_FLOOR = `#!/bin/sh
set -eu
wanted='${RESOLV_CONF.trimEnd()}'
[ "$(cat /etc/resolv.conf)" = "$wanted" ] || { printf '%s\\n' "$wanted" >/etc/resolv.conf.new; mv /etc/resolv.conf.new /etc/resolv.conf; }
for pair in net.ipv4.ip_forward=1 net.ipv4.conf.default.send_redirects=0 net.ipv4.conf.default.accept_redirects=0; do
    [ "$(sysctl -n "\${pair%=*}")" = "\${pair#*=}" ] || sysctl -qw "$pair"
done
`;

/** CFEngine 3, without its standard library: resolv.conf alone. */
export const POLICY = `body common control { bundlesequence => { "main" }; }
bundle agent main
{
  files:
    "/etc/resolv.conf" create => "true", template_method => "inline_mustache", template_data => "{}",
      edit_template_string => "${RESOLV_CONF}";
}
`;

/** resolv.conf alone. */
export const PUPPET_MANIFEST = `file { '/etc/resolv.conf': content => '${RESOLV_CONF}' }
`;
