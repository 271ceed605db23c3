{#- Installs Holdfast, writes its configuration, and applies it. Its pillar (pillar.example):
      holdfast:
        config:   the configuration, as a mapping, or as the text of /etc/holdfast/agent.yaml
        package:  the package, a file on the host or salt://…; if it is left out, `holdfast` comes from the host's repositories
        version:  the version to install from the repositories; if it is left out, an installed version stays
        service:  whether the daemon is enabled and started; without effect if systemd does not run (default: true)
      State holdfast.absent puts the host back and removes the package. #}
{%- set config = salt['pillar.get']('holdfast:config') %}
{%- set package = salt['pillar.get']('holdfast:package') %}
{%- set version = salt['pillar.get']('holdfast:version') %}
{%- set text = config if config is string else salt['slsutil.serialize']('yaml', config, default_flow_style=False) %}
{#- The text without comments, blanks and YAML's document marks. A pillar whose data is missing gives an empty text. #}
{%- set said = text | regex_replace('#[^\n]*', '') | regex_replace('---|\.\.\.|\s', '') %}
{%- if said in ['', '{}', '[]', 'null', '~'] %}

holdfast-config:
  test.fail_without_changes:
    - name: >-
        The pillar holdfast:config is empty. Holdfast would let go of all settings, and the next DHCP lease would replace them. Write the
        settings; or "hold: nothing" to hold nothing on purpose; or apply holdfast.absent.
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

# The candidate is checked in the folder of the configuration, so that the drop-ins are merged in. `plan` ends with 2 if something differs.
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

# The daemon reads its configuration only at SIGHUP. This comes before apply, because with the old configuration the daemon would undo
# the changes of apply.
holdfast-reload:
  cmd.run:
    - name: systemctl try-reload-or-restart holdfast.service
    - onlyif: test -d /run/systemd/system
    - onchanges:
      - file: /etc/holdfast/agent.yaml

# Unless `plan` finds that nothing differs, `apply` puts it right or explains it. `exit 1` is needed because Salt also compares `unless`
# with success_retcodes.
holdfast-apply:
  cmd.run:
    - name: /usr/bin/agent apply --detailed-exitcodes
    - unless: /usr/bin/agent plan --quiet || exit 1
    - success_retcodes: [2, 8]
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
