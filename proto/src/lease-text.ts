/** A lease id as etcdctl prints it: 16 hexadecimal digits. */
export function leaseText(leaseId: bigint): string {
  return BigInt.asUintN(64, leaseId).toString(16).padStart(16, '0');
}
