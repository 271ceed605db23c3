/** The metadata services that are known, and how to tell in which cloud this host is. */
import type { MetadataProvider } from '../config/metadata.ts';
import type { Host } from '../host/host.ts';
import type { Provider } from './provider.ts';

export async function makeProvider(name: MetadataProvider): Promise<Provider> {
  switch (name) {
    case 'ec2':
      return (await import('./ec2.ts')).EC2;
    case 'gcp':
      return (await import('./gcp.ts')).GCP;
    case 'azure':
      return (await import('./azure.ts')).AZURE;
  }
}

const DMI = '/sys/class/dmi/id';
/** What the documentation of Azure has every machine's chassis say; other machines of Microsoft's hypervisor say something else. */
const AZURE_CHASSIS = '7783-7084-3265-9085-8269-3286-77';

/** By what the firmware says, so that nobody need be asked in three dialects; null: by that it is in none of them. */
export function detectProvider(host: Pick<Host, 'readText'>): MetadataProvider | null {
  const says = (file: string) => host.readText(`${DMI}/${file}`)?.trim() ?? '';
  // Nitro has it as the vendor, Xen only as part of the BIOS' version (4.11.amazon).
  if (says('sys_vendor') === 'Amazon EC2' || /amazon/i.test(says('bios_version'))) return 'ec2';
  if (says('product_name') === 'Google Compute Engine') return 'gcp';
  if (says('chassis_asset_tag') === AZURE_CHASSIS) return 'azure';
  return null;
}
