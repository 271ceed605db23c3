/** The Puppet module applies on real hosts, and a second run changes nothing. */
import { parse, stringify } from 'yaml';
import { LabHost } from '../parts/lab/host.ts';
import { runsTheService } from './booted.ts';
import { example, type Tool } from './contract.ts';
import { holdsTheContract } from './scenario.ts';
import { PACKAGING, said, unavailable } from './tools.ts';

const HIERA = '/srv/puppet/hiera.yaml';
const DATA = '/srv/puppet/data/common.yaml';

const puppet: Tool = {
  skip: unavailable('puppet'),
  bareCheck: /Package\[holdfast\].*noop/,
  foretells: false,
  validates: true,

  async prepare(host) {
    await host.write('/srv/puppet/site.pp', example('Puppet', 'puppet'));
    await host.write(
      HIERA,
      'version: 5\nhierarchy: [{ name: all, path: common.yaml }]\ndefaults: { datadir: data, data_hash: yaml_data }\n',
    );
    // A throw-away host has no systemd.
    const service = host instanceof LabHost ? 'holdfast::service: false\n' : '';
    await host.write(DATA, `${example('Puppet', 'yaml')}${service}`);
  },

  async run(host, { config, package: given, check = false, absent = false } = {}) {
    const data = await host.read(DATA);
    const values = {
      ...(parse(data) as object),
      ...(config === undefined ? {} : { 'holdfast::config': config }),
      ...(absent ? { 'holdfast::ensure': 'absent' } : {}),
    };
    await host.write(DATA, stringify(given === null ? { ...values, 'holdfast::package': null } : values));
    const noop = check ? ['--noop'] : [];
    const settings = ['--modulepath', `${PACKAGING}/puppet`, '--hiera_config', HIERA, '--detailed-exitcodes'];
    const result = await host.run(
      ['puppet', 'apply', '--color=false', '--show_diff', ...settings, ...noop, '/srv/puppet/site.pp'],
      {
        env: { LC_ALL: 'C.UTF-8' },
      },
    );
    await host.write(DATA, data);
    const { code, stdout, stderr } = result;
    // 1: no catalogue could be compiled.
    if (code === null || ![0, 1, 2, 4, 6].includes(code)) throw new Error(said(result));
    // In noop mode it ends with 0 whatever it would do, and says that in so many words.
    const changed = (code & 2) !== 0 || /current_value .*\(noop\)|Would have triggered/.test(stdout + stderr);
    return { changed, failed: code === 1 || (code & 4) !== 0, text: said(result) };
  },
};

holdsTheContract('Puppet', puppet);
runsTheService('Puppet', puppet);
