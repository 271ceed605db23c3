# @summary Installs Holdfast, writes its configuration, and makes the host what that says.
#
# A configuration is put in place only when `agent plan` accepts it, together with the host's own /etc/holdfast/agent.d; in noop mode a
# bad one fails, too.
#
# @param config
#   The configuration, as a hash, or as the text of /etc/holdfast/agent.yaml. Required unless `ensure` is `absent`. An empty one is an
#   error, since it would take everything off the host; to hold nothing on purpose give `{ 'hold' => 'nothing' }`.
# @param ensure
#   `absent` puts the host back as it was before the first `agent apply`, and removes the package and what it kept.
# @param package
#   The package, a file on the host (.deb or .rpm); a newer one is an upgrade. Undefined, `holdfast` is installed from the
#   repositories that the host has, unless it is there already.
# @param version
#   The version to install from the repositories, such as `0.1.0`. Undefined, the one that the host has stays.
# @param service
#   Whether the daemon is enabled and started. Where systemd does not run it has to be false.
#
# @example
#   class { 'holdfast':
#     config => file('site/agent.yaml'),
#   }
class holdfast (
  Optional[Variant[Hash, String]] $config = undef,
  Enum['present', 'absent'] $ensure = 'present',
  Optional[Pattern[/\A\/.*\.(deb|rpm)\z/]] $package = undef,
  Optional[String[1]] $version = undef,
  Boolean $service = true,
) {
  if $ensure == 'absent' {
    contain holdfast::absent
  } else {
    contain holdfast::present
  }
}
