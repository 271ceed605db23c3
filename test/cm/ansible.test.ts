/** The Ansible role applies on real hosts, and a second run changes nothing. */
import { runsTheService } from './booted.ts';
import { example, type Tool } from './contract.ts';
import { holdsTheContract } from './scenario.ts';
import { PACKAGING, said, tool, unavailable } from './tools.ts';

const PLAYBOOK = '/srv/ansible/site.yml';
const program = tool('ansible-playbook');

const ansible: Tool = {
  skip: unavailable(program),
  bareCheck: /not installed yet/,
  foretells: true,
  validates: true,

  async prepare(host) {
    await host.write(PLAYBOOK, example('Ansible', 'yaml'));
    await host.write(
      '/srv/ansible/hosts',
      '[routers]\nlab ansible_connection=local ansible_python_interpreter=/usr/bin/python3\n',
    );
  },

  async run(host, { config, package: given, check = false, absent = false } = {}) {
    const variables = {
      ...(config === undefined ? {} : { holdfast_config: config }),
      ...(given === null ? { holdfast_package: '' } : {}),
      ...(absent ? { holdfast_state: 'absent' } : {}),
    };
    const result = await host.run(
      [
        program,
        '--inventory',
        '/srv/ansible/hosts',
        ...(check ? ['--check'] : []),
        '--diff',
        '-v',
        '--extra-vars',
        JSON.stringify(variables),
        PLAYBOOK,
      ],
      { env: { ANSIBLE_ROLES_PATH: `${PACKAGING}/ansible`, ANSIBLE_NOCOLOR: '1', LC_ALL: 'C.UTF-8' } },
    );
    const recap = /^lab +: ok=\d+ +changed=(\d+) +unreachable=0 +failed=(\d+)/m.exec(result.stdout);
    if (recap === null) throw new Error(said(result));
    const failed = recap[2] !== '0';
    if (failed !== (result.code !== 0)) throw new Error(said(result));
    return { changed: recap[1] !== '0', failed, text: said(result) };
  },
};

holdsTheContract('Ansible', ansible);
runsTheService('Ansible', ansible);
