# @summary Installs Holdfast, writes its configuration, and makes the host what that says.
#
# A configuration is put in place only when `agent plan` accepts it, together with the host's own /etc/holdfast/agent.d.
#
# @param config
#   The configuration, as a hash, or as the text of /etc/holdfast/agent.yaml.
# @param package
#   The package, a file on the host (.deb or .rpm); a newer one is an upgrade. Undefined, `holdfast` is installed from the
#   repositories that the host has, unless it is there already.
# @param service
#   Whether the daemon is enabled and started. Where systemd does not run it has to be false.
#
# @example
#   class { 'holdfast':
#     config => file('site/agent.yaml'),
#   }
class holdfast (
  Variant[Hash, String[1]] $config,
  Optional[Pattern[/\A\/.*\.(deb|rpm)\z/]] $package = undef,
  Boolean $service = true,
) {
  $text = $config ? {
    String  => $config,
    default => inline_template('<%= @config.to_yaml %>'),
  }

  if $package {
    $provider = $package ? {
      /\.deb\z/ => 'dpkg',
      default   => 'rpm',
    }
    package { 'holdfast':
      ensure   => latest,
      provider => $provider,
      source   => $package,
    }
  } else {
    package { 'holdfast':
      ensure => installed,
    }
  }

  file { '/etc/holdfast':
    ensure  => directory,
    owner   => 'root',
    group   => 'root',
    mode    => '0755',
    require => Package['holdfast'],
  }

  # Validated beside its place, so that the drop-ins are merged in. `plan` ends with 2 where something differs.
  file { '/etc/holdfast/agent.yaml':
    ensure       => file,
    content      => $text,
    owner        => 'root',
    group        => 'root',
    mode         => '0644',
    validate_cmd => "/bin/sh -c '/usr/bin/agent plan --quiet --config \"\$1\" || [ \$? = 2 ]' - %",
  }

  # The daemon reads its configuration by SIGHUP alone. Before apply: with the old one it would put back what apply changes.
  exec { 'holdfast reload':
    command     => '/bin/systemctl try-reload-or-restart holdfast.service',
    onlyif      => '/usr/bin/test -d /run/systemd/system',
    refreshonly => true,
    subscribe   => File['/etc/holdfast/agent.yaml'],
  }

  # Whatever `plan` finds but "nothing differs" is for `apply` to put right, or to explain. In noop mode
  # it may not be installed yet, and Puppet takes a missing program for an error.
  exec { 'holdfast apply':
    provider  => shell,
    command   => '/usr/bin/agent apply --detailed-exitcodes',
    unless    => 'test -x /usr/bin/agent && /usr/bin/agent plan --quiet',
    returns   => [0, 2],
    logoutput => true,
    require   => [File['/etc/holdfast/agent.yaml'], Exec['holdfast reload']],
  }

  if $service {
    service { 'holdfast':
      ensure   => running,
      enable   => true,
      provider => 'systemd',
      require  => Exec['holdfast apply'],
    }
  }
}
