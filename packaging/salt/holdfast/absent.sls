# Puts the host back as it was before the first `agent apply`, and removes the package and its data.
{%- if grains['os_family'] == 'Debian' %}
# The purge itself stops the daemon and puts everything back. If it cannot, it fails with the reason.
holdfast-package:
  pkg.purged:
    - name: holdfast
{%- else %}
# RPM knows no purge. A running daemon would undo the revert.
holdfast-revert:
  cmd.run:
    - name: if test -d /run/systemd/system; then systemctl disable --now holdfast.service; fi; /usr/bin/agent revert
    - onlyif: test -x /usr/bin/agent

holdfast-package:
  pkg.removed:
    - name: holdfast
    - require:
      - cmd: holdfast-revert
{%- for folder in ['/etc/holdfast', '/var/lib/holdfast', '/run/holdfast'] %}

{{ folder }}:
  file.absent:
    - require:
      - pkg: holdfast-package
{%- endfor %}
{%- endif %}
