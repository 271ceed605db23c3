# Puts the host back as it was before the first `agent apply`, and removes the package and what it kept.
{%- if grains['os_family'] == 'Debian' %}
# The purge itself stops the daemon, puts everything back, and fails with the reason where it cannot.
holdfast-package:
  pkg.purged:
    - name: holdfast
{%- else %}
# RPM knows no purge. A daemon that still runs would heal what is put back.
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
