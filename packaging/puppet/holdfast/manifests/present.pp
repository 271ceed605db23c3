# @summary What `holdfast` does where it is to be present.
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
  # Without comments, blanks and YAML's document marks: as a template without its data would leave it.
  if $text.regsubst('#.*$', '', 'G').regsubst('---|\.\.\.|\s', '', 'G') in ['', '{}', '[]', 'null', '~'] {
    $harm = 'applied, it would take off all that Holdfast holds, and the next lease would bring back what its server says'
    $cure = 'give the settings, "hold: nothing" to hold nothing on purpose, or ensure => absent'
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

  # In noop mode, too: what it writes is a candidate of its own, with the host's drop-ins beside it. `plan` ends with 2 where
  # something differs. Where the agent is not installed yet there is nothing to ask.
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
