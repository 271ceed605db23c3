#!/bin/bash
# A stand-in for the program of amazon-ec2-net-utils 2: the steps that its public sources take for one link, without the
# metadata service. /run/secondary has the addresses that the service would list beside the first.
set -e
folder=/run/systemd/network
flag=/run/policy-routes-reload-networkd
link=$1

install_file() { # NEW FILE: only a file that differs asks for a reload
  if cmp -s "$1" "$2"; then
    rm "$1"
  else
    mv "$1" "$2"
    touch "$flag"
  fi
}

setup() {
  local file=$folder/70-$link.network address
  mkdir -p "$file.d"
  if [ ! -e "$file" ]; then
    ln -s /usr/lib/systemd/network/80-ec2.network "$file"
    printf '[Match]\nMACAddress=%s\n[Network]\nDHCP=yes\n[DHCPv4]\nRouteMetric=512\n' "$(cat "/sys/class/net/$link/address")" >"$file.d/eni.conf"
    ip link property add dev "$link" altname eni-0123456789abcdef0 || true
    touch "$flag"
  fi
  for address in $(cat /run/secondary 2>/dev/null); do
    printf '[Address]\nAddress=%s/32\nAddPrefixRoute=false\n' "$address"
  done >/run/ec2net_alias.new
  install_file /run/ec2net_alias.new "$file.d/ec2net_alias.conf"
}

case $2 in
  start)
    /lib/systemd/systemd-networkd-wait-online -i "$link"
    setup
    ;;
  refresh) setup ;;
  remove)
    rm -rf "$folder/70-$link.network" "$folder/70-$link.network.d"
    touch "$flag"
    ;;
esac
if [ -e "$flag" ]; then
  rm -f "$flag"
  networkctl reload
fi
