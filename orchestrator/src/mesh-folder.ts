import { join } from 'node:path';

/** Where a mesh keeps its things, all below one folder (`.weft` beside weft.yaml). */
export interface MeshFolder {
  readonly path: string;
  /** See MeshState. */
  readonly stateFile: string;
  /** Held by the one `weft up` of this folder. */
  readonly lockFile: string;
  /** Data of our own etcd; kept between runs. */
  readonly etcdData: string;
  /** Log of the orchestrator itself. */
  readonly ownLog: string;
  /** Log of a slot. */
  readonly log: (slot: string) => string;
  /** A service's data; shared by its instances, kept between runs. */
  readonly data: (service: string) => string;
}

export function meshFolder(path: string): MeshFolder {
  return {
    path,
    stateFile: join(path, 'state.json'),
    lockFile: join(path, 'lock.db'),
    etcdData: join(path, 'etcd'),
    ownLog: join(path, 'logs', 'weft.log'),
    log: (slot) => join(path, 'logs', `${slot}.log`),
    data: (service) => join(path, 'data', service),
  };
}
