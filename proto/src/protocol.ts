import type { Instance } from '../gen/weft/registry/v1/instance.ts';

/** Key of the instance metadata that says what an instance speaks, if not gRPC: `http` or `tcp`. */
export const PROTOCOL_KEY = 'weft.protocol';

/** Whether an instance is a gRPC server: only those can be called through the mesh, or asked by gRPC. */
export function isGrpcServer({ metadata }: Pick<Instance, 'metadata'>): boolean {
  return !metadata.has(PROTOCOL_KEY);
}
