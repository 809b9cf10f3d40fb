import type { Instance } from '../gen/weft/registry/v1/instance.ts';
import type { WatchResponse } from '../gen/weft/registry/v1/watch.ts';

/** Joins the parts in which a registry sends a large snapshot. One per stream: no part outlives it. */
export class SnapshotParts {
  #instances: Instance[] = [];

  /** The response with its snapshot whole; undefined while parts of it are yet to come. */
  join(response: WatchResponse): WatchResponse | undefined {
    const { snapshot } = response;
    if (snapshot === undefined) return response;
    for (const instance of snapshot.instances) this.#instances.push(instance);
    if (snapshot.more) return undefined;
    const instances = this.#instances;
    this.#instances = [];
    return { ...response, snapshot: { ...snapshot, instances } };
  }
}
