{#- Installs Holdfast, writes its configuration, and makes the host what that says. Its pillar (pillar.example):
      holdfast:
        config:   the configuration, as a mapping, or as the text of /etc/holdfast/agent.yaml
        package:  the package, a file on the host or salt://…; without it `holdfast` comes from the host's repositories
        version:  the version to install from the repositories; without it the one that the host has stays
        service:  whether the daemon is enabled and started, where systemd runs (default: true)
      State holdfast.absent puts the host back and removes the package. #}
{%- set config = salt['pillar.get']('holdfast:config') %}
{%- set package = salt['pillar.get']('holdfast:package') %}
{%- set version = salt['pillar.get']('holdfast:version') %}
{%- set text = config if config is string else salt['slsutil.serialize']('yaml', config, default_flow_style=False) %}
{#- Without comments, blanks and YAML's document marks: as a pillar without its data would leave it. #}
{%- set said = text | regex_replace('#[^\n]*', '') | regex_replace('---|\.\.\.|\s', '') %}
{%- if said in ['', '{}', '[]', 'null', '~'] %}

holdfast-config:
  test.fail_without_changes:
    - name: >-
        The pillar holdfast:config is empty: applied, it would take off all that Holdfast holds, and the next lease would bring back
        what its server says. Give the settings, "hold: nothing" to hold nothing on purpose, or apply holdfast.absent.
{%- else %}

holdfast-package:
  pkg.installed:
{%- if package %}
    - sources:
      - holdfast: {{ package | json }}
{%- else %}
    - name: holdfast
{%- if version %}
    - version: {{ version | json }}
{%- endif %}
{%- endif %}

/etc/holdfast:
  file.directory:
    - user: root
    - group: root
    - mode: '0755'
    - require:
      - pkg: holdfast-package

# Validated beside its place, so that the drop-ins are merged in. `plan` ends with 2 where something differs.
/etc/holdfast/agent.yaml:
  file.managed:
    - contents: {{ text | json }}
    - user: root
    - group: root
    - mode: '0644'
    - check_cmd: /bin/sh -c '/usr/bin/agent plan --quiet --config "$1" || [ $? = 2 ]' -
    - tmp_dir: /etc/holdfast
    - require:
      - file: /etc/holdfast

# The daemon reads its configuration by SIGHUP alone. Before apply: with the old one it would put back what apply changes.
holdfast-reload:
  cmd.run:
    - name: systemctl try-reload-or-restart holdfast.service
    - onlyif: test -d /run/systemd/system
    - onchanges:
      - file: /etc/holdfast/agent.yaml

# Whatever `plan` finds but "nothing differs" is for `apply` to put right, or to explain. `exit 1`: Salt holds `unless` against
# success_retcodes, too.
holdfast-apply:
  cmd.run:
    - name: /usr/bin/agent apply --detailed-exitcodes
    - unless: /usr/bin/agent plan --quiet || exit 1
    - success_retcodes: [2]
    - require:
      - file: /etc/holdfast/agent.yaml
      - cmd: holdfast-reload
{%- if salt['pillar.get']('holdfast:service', true) %}

holdfast-service:
  service.running:
    - name: holdfast
    - enable: true
    - onlyif: test -d /run/systemd/system
    - require:
      - cmd: holdfast-apply
{%- endif %}
{%- endif %}
