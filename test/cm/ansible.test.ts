import type { LabHost } from '../lab/host.ts';
import { example, holdsTheContract } from './scenario.ts';
import { PACKAGING, said, tool, unavailable } from './tools.ts';

const PLAYBOOK = '/srv/ansible/site.yml';
const ansible = tool('ansible-playbook');

holdsTheContract('Ansible', {
  skip: unavailable(ansible),
  bareCheck: /not installed yet/,
  foretells: true,

  async prepare(host: LabHost) {
    await host.write(PLAYBOOK, example('Ansible', 'yaml'));
    await host.write(
      '/srv/ansible/hosts',
      '[routers]\nlab ansible_connection=local ansible_python_interpreter=/usr/bin/python3\n',
    );
  },

  async run(host, { config, check = false } = {}) {
    const extra = config === undefined ? [] : ['--extra-vars', JSON.stringify({ holdfast_config: config })];
    const result = await host.run(
      [ansible, '--inventory', '/srv/ansible/hosts', ...(check ? ['--check'] : []), '--diff', '-v', ...extra, PLAYBOOK],
      { env: { ANSIBLE_ROLES_PATH: `${PACKAGING}/ansible`, ANSIBLE_NOCOLOR: '1', LC_ALL: 'C.UTF-8' } },
    );
    const recap = /^lab +: ok=\d+ +changed=(\d+) +unreachable=0 +failed=(\d+)/m.exec(result.stdout);
    if (recap === null) throw new Error(said(result));
    const failed = recap[2] !== '0';
    if (failed !== (result.code !== 0)) throw new Error(said(result));
    return { changed: recap[1] !== '0', failed, text: said(result) };
  },
});
