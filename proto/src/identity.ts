import type { ServiceImplementation } from 'nice-grpc';
import type { PeerServiceDefinition } from '../gen/weft/peer/v1/peer.ts';
import { weftVersion } from './weft-version.ts';

/**
 * Key of the instance metadata by which an instance says that it answers weft.peer.v1.PeerService,
 * and the value that says so. A client asks only instances that are listed with it.
 */
export const IDENTITY_KEY = 'weft.identity';
export const IDENTITY_VERSION = 'v1';

/** One run of one instance of one service. */
export interface Identity {
  readonly service: string;
  readonly instanceId: string;
  readonly incarnation: string;
}

/** weft.peer.v1.PeerService of a server that is, at each question, who `identity` says. */
export function peerService(
  identity: () => Identity,
): ServiceImplementation<typeof PeerServiceDefinition> {
  return { identify: async () => ({ ...identity(), weftVersion: weftVersion() }) };
}
