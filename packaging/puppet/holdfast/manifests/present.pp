# @summary What the class `holdfast` does with `ensure => present`.
#
# @api private
class holdfast::present {
  $config = $holdfast::config
  $package = $holdfast::package
  $version = $holdfast::version
  $service = $holdfast::service

  $text = $config ? {
    String  => $config,
    Undef   => '',
    default => inline_template('<%= @config.to_yaml %>'),
  }
  # The text without comments, blanks and YAML's document marks. A template whose data is missing gives an empty text.
  if $text.regsubst('#.*$', '', 'G').regsubst('---|\.\.\.|\s', '', 'G') in ['', '{}', '[]', 'null', '~'] {
    $harm = 'Holdfast would let go of all settings, and the next DHCP lease would replace them'
    $cure = 'write the settings; or "hold: nothing" to hold nothing on purpose; or ensure => absent'
    fail("holdfast::config is empty: ${harm}; ${cure}")
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
    $wanted = $version ? {
      Undef   => 'installed',
      default => $version,
    }
    package { 'holdfast':
      ensure => $wanted,
    }
  }

  file { '/etc/holdfast':
    ensure  => directory,
    owner   => 'root',
    group   => 'root',
    mode    => '0755',
    require => Package['holdfast'],
  }

  # This also runs in noop mode, because it writes only a candidate of its own, beside the host's drop-ins. `plan` ends with 2 if
  # something differs. Before the agent is installed there is no check.
  $validate = @(SH)
    test -x /usr/bin/agent || exit 0
    folder=$(mktemp -d) || exit 1
    trap 'rm -rf "$folder"' EXIT
    printf '%s' "$HOLDFAST_CANDIDATE" >"$folder/agent.yaml"
    ln -s /etc/holdfast/agent.d "$folder/agent.d"
    /usr/bin/agent plan --quiet --config "$folder/agent.yaml" >"$folder/said" 2>&1
    case $? in
      0 | 2) exit 0 ;;
    esac
    sed "s|$folder|/etc/holdfast|g" "$folder/said"
    exit 1
    | SH
  exec { 'holdfast validate':
    provider    => shell,
    command     => $validate,
    environment => ["HOLDFAST_CANDIDATE=${text}"],
    unless      => $validate,
    noop        => false,
    logoutput   => on_failure,
    require     => Package['holdfast'],
  }

  file { '/etc/holdfast/agent.yaml':
    ensure  => file,
    content => $text,
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    require => Exec['holdfast validate'],
  }

  # The daemon reads its configuration only at SIGHUP. This comes before apply, because with the old configuration the daemon would
  # undo the changes of apply.
  exec { 'holdfast reload':
    command     => '/bin/systemctl try-reload-or-restart holdfast.service',
    onlyif      => '/usr/bin/test -d /run/systemd/system',
    refreshonly => true,
    subscribe   => File['/etc/holdfast/agent.yaml'],
  }

  # Unless `plan` finds that nothing differs, `apply` puts it right or explains it. In noop mode the agent may not be installed yet,
  # and Puppet takes a missing program for an error.
  exec { 'holdfast apply':
    provider  => shell,
    command   => '/usr/bin/agent apply --detailed-exitcodes',
    unless    => 'test -x /usr/bin/agent && /usr/bin/agent plan --quiet',
    returns   => [0, 2, 8],
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
