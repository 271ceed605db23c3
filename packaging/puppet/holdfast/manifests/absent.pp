# @summary What `holdfast` does where it is to be absent.
#
# @api private
class holdfast::absent {
  if $facts['os']['family'] == 'Debian' {
    # The purge itself stops the daemon, puts everything back, and fails with the reason where it cannot.
    package { 'holdfast':
      ensure => purged,
    }
  } else {
    # RPM knows no purge. A daemon that still runs would heal what is put back.
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
