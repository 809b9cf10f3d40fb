import { createMesh, type Mesh, type MeshOptions } from '@weft/client-sdk';
import { UserServiceDefinition } from '@weft/proto/user';
import { type ArmSpec, type Caller, KEY_HEADER } from './caller.ts';
import { grpcJsCaller } from './grpc-js-caller.ts';
import { niceGrpcCaller } from './nice-grpc-caller.ts';

/** Joins the mesh as an arm is to: everything on, as a program would have it. */
export function joinMesh({ registry = '', service = '', strategy, policy }: ArmSpec): Mesh {
  const chosen = strategy === undefined ? {} : { strategy };
  const hash = strategy === 'consistent_hash' ? { hashHeader: KEY_HEADER } : {};
  const options = {
    registry,
    ...chosen,
    ...policy,
    services: { [service]: { ...chosen, ...hash, ...policy } },
  };
  return createMesh(options as MeshOptions);
}

/** A grpc-js stub over `mesh.channel`. */
export function meshGrpcJsCaller(spec: ArmSpec): Caller {
  const mesh = joinMesh(spec);
  const channel = mesh.channel(spec.service ?? '', { contract: UserServiceDefinition });
  return grpcJsCaller(channel, spec, () => mesh.close());
}

/** `mesh.client`. */
export function meshNiceGrpcCaller(spec: ArmSpec): Caller {
  const mesh = joinMesh(spec);
  const client = mesh.client(UserServiceDefinition, { service: spec.service });
  return niceGrpcCaller(client, () => mesh.close());
}
