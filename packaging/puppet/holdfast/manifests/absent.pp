# @summary What the class `holdfast` does with `ensure => absent`.
#
# @api private
class holdfast::absent {
  if $facts['os']['family'] == 'Debian' {
    # The purge itself stops the daemon and puts everything back. If it cannot, it fails with the reason.
    package { 'holdfast':
      ensure => purged,
    }
  } else {
    # RPM knows no purge. A running daemon would undo the revert.
    exec { 'holdfast revert':
      provider  => shell,
      command   => 'if test -d /run/systemd/system; then systemctl disable --now holdfast.service; fi; /usr/bin/agent revert',
      onlyif    => 'test -x /usr/bin/agent',
      logoutput => true,
      before    => Package['holdfast'],
    }
    package { 'holdfast':
      ensure => absent,
    }
    file { ['/etc/holdfast', '/var/lib/holdfast', '/run/holdfast']:
      ensure  => absent,
      force   => true,
      require => Package['holdfast'],
    }
  }
}
