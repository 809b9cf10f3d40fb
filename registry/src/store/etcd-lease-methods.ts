import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';

/** A method of etcd, and how what is sent and answered stands on the wire. */
export interface EtcdMethod<Request, Answer> {
  readonly path: string;
  encode(request: Request): Buffer;
  decode(bytes: Uint8Array): Answer;
}

/** A lease, and the seconds it has; 0 of one that is not there. */
export interface LeaseTime {
  leaseId: bigint;
  ttlSeconds: number;
}

const VARINT = 0;
const tag = (field: number) => (field << 3) | VARINT;

function finished(writer: BinaryWriter): Buffer {
  const { buffer, byteOffset, length } = writer.finish();
  return Buffer.from(buffer, byteOffset, length);
}

/**
 * LeaseGrantResponse, LeaseKeepAliveResponse and LeaseTimeToLiveResponse: all have ID = 2 and TTL =
 * 3.
 */
function decodeLeaseTime(bytes: Uint8Array): LeaseTime {
  const reader = new BinaryReader(bytes);
  const time: LeaseTime = { leaseId: 0n, ttlSeconds: 0 };
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 2) time.leaseId = BigInt(reader.int64());
    else if (field === 3) time.ttlSeconds = Number(reader.int64());
    else reader.skip(wireType);
  }
  return time;
}

/** Grants a lease under an id of the caller's: LeaseGrantRequest, TTL = 1 and ID = 2. */
export const leaseGrant: EtcdMethod<LeaseTime, LeaseTime> = {
  path: '/etcdserverpb.Lease/LeaseGrant',
  encode({ leaseId, ttlSeconds }) {
    const writer = new BinaryWriter().uint32(tag(1)).int64(ttlSeconds);
    return finished(writer.uint32(tag(2)).int64(leaseId));
  },
  decode: decodeLeaseTime,
};

/** Renews leases, one to a message: LeaseKeepAliveRequest, ID = 1. */
export const leaseKeepAlive: EtcdMethod<bigint, LeaseTime> = {
  path: '/etcdserverpb.Lease/LeaseKeepAlive',
  encode: (leaseId) => finished(new BinaryWriter().uint32(tag(1)).int64(leaseId)),
  decode: decodeLeaseTime,
};

/** Asks how long a lease has left: LeaseTimeToLiveRequest, ID = 1. */
export const leaseTimeToLive: EtcdMethod<bigint, LeaseTime> = {
  path: '/etcdserverpb.Lease/LeaseTimeToLive',
  encode: leaseKeepAlive.encode,
  decode: decodeLeaseTime,
};
