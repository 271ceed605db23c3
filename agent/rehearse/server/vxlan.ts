/** How a frame comes to the kernel's VXLAN device at the far side of a wire: in a UDP datagram on the loopback (RFC 7348). */

export const VXLAN_ADDRESS = '127.0.0.1';
/** The port that IANA has assigned. The far side's network namespace has no other programs. */
export const VXLAN_PORT = 4789;
export const VXLAN_ID = 1;

/** The datagram that has the device receive this Ethernet frame. */
export function vxlanPacket(frame: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header[0] = 0x08; // the network's number counts
  header.writeUIntBE(VXLAN_ID, 4, 3);
  return Buffer.concat([header, frame]);
}
