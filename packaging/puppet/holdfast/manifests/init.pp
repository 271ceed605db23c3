# @summary Installs Holdfast, writes its configuration, and applies it.
#
# A configuration is written only if `agent plan` accepts it together with the host's own /etc/holdfast/agent.d. A bad configuration
# also fails in noop mode.
#
# @param config
#   The configuration, as a hash, or as the text of /etc/holdfast/agent.yaml. Required unless `ensure` is `absent`. An empty
#   configuration is an error, because Holdfast would let go of everything. To hold nothing on purpose, write `{ 'hold' => 'nothing' }`.
# @param ensure
#   `absent` puts the host back as it was before the first `agent apply`, and removes the package and its data.
# @param package
#   The package, a file on the host (.deb or .rpm). A newer version is an upgrade. If undefined, `holdfast` is installed from the
#   host's repositories, unless it is already installed.
# @param version
#   The version to install from the repositories, such as `0.1.0`. If undefined, an installed version stays.
# @param service
#   Whether the daemon is enabled and started. Must be false if systemd does not run.
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
