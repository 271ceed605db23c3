/** The metadata services that we know, and how to tell which cloud this host is in. */
import type { MetadataProvider } from '../../config/desired-metadata.ts';
import type { Host } from '../../host/host.ts';
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
/**
 * Azure documents this chassis asset tag for every machine. Other machines on Microsoft's hypervisor have another tag.
 */
const AZURE_CHASSIS = '7783-7084-3265-9085-8269-3286-77';

/**
 * The cloud by the firmware's own strings, so that no network service must be tried; null if they name none of the
 * three.
 */
export function detectProvider(host: Pick<Host, 'readText'>): MetadataProvider | null {
  const says = (file: string) => host.readText(`${DMI}/${file}`)?.trim() ?? '';
  // Nitro names Amazon as the vendor; Xen names it only within the BIOS version (4.11.amazon).
  if (says('sys_vendor') === 'Amazon EC2' || /amazon/i.test(says('bios_version'))) return 'ec2';
  if (says('product_name') === 'Google Compute Engine') return 'gcp';
  if (says('chassis_asset_tag') === AZURE_CHASSIS) return 'azure';
  return null;
}
