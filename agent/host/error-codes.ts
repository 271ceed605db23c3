/** The codes that an error of Holdfast may have: the kernel's own code if one fits, otherwise a code of this list. */
import type { constants } from 'node:os';

export type OwnErrorCode =
  | 'ECONF' // dhclient refuses the configuration that was written for it
  | 'EDAMAGED' // a record of ours cannot be read, and only it says how something was before
  | 'EEXPIRED' // the recorded lease has expired
  | 'EFTYPE' // no regular file (the code is BSD's)
  | 'EHOOK' // the shell refuses a hook that was written
  | 'EIPROUTE' // ip(8) failed
  | 'ELINK' // a symbolic link that other users may have put there
  | 'ENETWORK' // the host's network namespace is another one
  | 'ENOLEASE' // no lease is known
  | 'ENONE' // nothing to rehearse
  | 'EOBSTACLE' // only the program that started this dhclient may restart it
  | 'EOWNER' // another program owns the lease
  | 'EREMOTE' // a file system that may never answer
  | 'EREFUSED' // no DHCP server would acknowledge the lease
  | 'EREHEARSAL' // the rehearsal of a restart ended badly
  | 'ERESOLVED' // resolvectl(1) failed
  | 'ESHARED' // others than root can change what root would go by
  | 'ESPAWN' // no process can be started
  | 'ESTAGE' // the stage of a rehearsal could not be made, or broke
  | 'ESPLIT' // a forwarder refuses the names that it is to ask elsewhere
  | 'ESYSTEMD' // systemctl(1) failed
  | 'ETWO' // two clients hold one interface
  | 'UNKNOWN'; // the operating system gave no code

export type ErrorCode = OwnErrorCode | keyof typeof constants.errno;
