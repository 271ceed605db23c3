#!/bin/sh
# Makes a fresh machine ready for `npm start`, `npm test` and `npm run build`: the npm packages (a pinned Node is one of
# them), and as root Debian's packages that the lab runs. Does nothing, in a few milliseconds, when all is there.
# HOLDFAST_NO_APT=1 leaves the machine's packages alone.
#   sh setup.sh [cm | arm64] [PACKAGE ...]   further packages of Debian's; cm: Ansible, Puppet and Salt; arm64: what runs its Node
set -eu
cd "$(dirname "$0")/.."

tools=
if [ "${1:-}" = cm ]; then
  shift
  tools=python
  # Debian 12 has no Salt, and an Ansible of 2023.
  set -- python3-venv python3-apt puppet-agent puppet-lint "$@"
elif [ "${1:-}" = arm64 ]; then
  shift
  [ "$(uname -m)" = aarch64 ] || set -- qemu-user-static libc6-arm64-cross libstdc++6-arm64-cross libgcc-s1-arm64-cross "$@"
fi

# What each is for: DHCP clients and servers and a DNS server to test against; routing daemons; network namespaces and pings; fault
# injection, other shells, attributes; programs that keep a name server; stripping the executables (both architectures); minimal systems to start the executable on.
debian_packages="isc-dhcp-client dhcpcd-base network-manager dbus isc-dhcp-server dnsmasq-base
  frr bird2
  iproute2 iputils-ping procps util-linux nftables iptables
  strace tcpdump busybox shellcheck attr e2fsprogs
  nginx haproxy unbound libc-ares2 python3
  binutils binutils-aarch64-linux-gnu
  openssl debootstrap debian-archive-keyring $*"

install_npm_packages() {
  stamp=node_modules/.holdfast-setup
  wanted="$(cksum <package-lock.json) $(uname -m)"
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && return
  echo "Set-up: installing the npm packages that package-lock.json pins, Node among them (once, about 400 MB)"
  # `npm ci` empties node_modules first, where the caches of later steps are: only for the first time.
  if [ -d node_modules ]; then npm_quietly install --no-save; else npm_quietly ci; fi
  # npm 10 sometimes leaves this link out, and all else here depends on it.
  case "$(uname -m)" in aarch64) arch=arm64 ;; *) arch=x64 ;; esac
  ln -sf "../node-linux-$arch/bin/node" node_modules/.bin/node
  node_modules/.bin/node --version >/dev/null || {
    echo "Set-up: the pinned Node did not come or does not run: it needs Linux with glibc on x64 or arm64," >&2
    echo "        and an npm that is not told to omit optional packages" >&2
    exit 1
  }
  echo "$wanted" >"$stamp"
  # By sudo in somebody's clone: that user goes on without sudo. (A container may not give to whom it does not know, and in
  # the cache are whole Debian systems, whose files have owners of their own.)
  [ "$(id -u)" != 0 ] || find node_modules -path node_modules/.cache/holdfast -prune -o -exec chown -h --reference=. {} + 2>/dev/null || true
}

# With the machine's own Node: the pinned one comes first in the PATH of an npm script, and knows no machine-wide npmrc.
npm_quietly() {
  if [ -n "${npm_execpath:-}" ]; then set -- "${npm_node_execpath:-node}" "$npm_execpath" "$@"; else set -- npm "$@"; fi
  "$@" --ignore-scripts --loglevel=error >/dev/null
}

install_debian_packages() {
  command -v dpkg-query >/dev/null || { echo "Set-up: not a Debian system: tests that need a missing part are skipped"; return; }
  has_other_mail_server || debian_packages="$debian_packages postfix"
  missing=
  for package in $debian_packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" != 0 ] || [ -n "${HOLDFAST_NO_APT:-}" ]; then
    echo "Set-up: not installed, for $([ "$(id -u)" = 0 ] && echo 'HOLDFAST_NO_APT is set' || echo 'that needs root'):$missing"
    echo "        What needs them is skipped, and says so."
    return
  fi
  echo "Set-up: installing Debian's$missing (their services are not started)"
  log=$(mktemp)
  keep_services_stopped
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -q && apt_install $missing; } >"$log" 2>&1 ||
    for package in $missing; do
      apt_install "$package" >>"$log" 2>&1 || echo "Set-up: could not install $package: $(grep '^E:' "$log" | tail -1)"
    done
  rm -f "$log"
  # A service that this set-up brought must not start at the next boot either.
  for package in $missing; do
    for service in $(services_of "$package"); do
      update-rc.d "$service" disable >/dev/null 2>&1 || true
      systemctl disable "$service" >/dev/null 2>&1 || true
    done
  done
}

services_of() {
  case "$1" in
    isc-dhcp-server | frr | nginx | haproxy | postfix) echo "$1" ;;
    bird2) echo bird ;;
    puppet-agent) echo puppet ;;
    docker.io) echo docker containerd ;;
    podman) echo podman podman-auto-update podman-restart ;;
    unbound) echo unbound unbound-resolvconf ;;
    network-manager) echo NetworkManager NetworkManager-wait-online NetworkManager-dispatcher ;;
  esac
}

# Installing Postfix would remove the mail server that this machine has.
has_other_mail_server() {
  dpkg-query -W -f '${db:Status-Status} ${Package} ${Provides}\n' 2>/dev/null |
    grep -v '^installed postfix ' | grep -q '^installed .*mail-transport-agent'
}

apt_install() { apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"; }

# Debian starts a service as soon as it is installed, unless this file forbids it.
keep_services_stopped() {
  policy=/usr/sbin/policy-rc.d
  [ -e $policy ] && return
  trap 'rm -f $policy' EXIT
  trap 'exit 1' HUP INT TERM
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod +x $policy
}

# What test/cm/requirements.txt pins, in a folder of its own: nothing of the machine's Python is touched.
install_python_tools() {
  folder=$(cd node_modules && pwd -P)/.cache/holdfast/cm
  # What is in such a folder names it, so it works nowhere else.
  wanted="$(cksum <test/cm/requirements.txt) $folder"
  [ "$(cat "$folder/.holdfast-setup" 2>/dev/null)" = "$wanted" ] && return
  echo "Set-up: installing Ansible and Salt, as test/cm/requirements.txt pins them (once, about 250 MB)"
  if /usr/bin/python3 -m venv --clear "$folder" &&
    "$folder/bin/pip" install --quiet --disable-pip-version-check --requirement test/cm/requirements.txt; then
    echo "$wanted" >"$folder/.holdfast-setup"
  else
    echo "Set-up: that failed, as said above. What needs them is skipped, and says so."
  fi
}

install_npm_packages
install_debian_packages
if [ -n "$tools" ]; then install_python_tools; fi
