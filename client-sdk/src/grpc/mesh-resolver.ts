import type { ChannelOptions } from '@grpc/grpc-js';
import type { Balancer } from '../balancer/balancer.ts';
import type { ServiceDirectory } from '../discovery/service-directory.ts';
import {
  CHANNEL_ARGS_CONFIG_SELECTOR_KEY,
  type ConfigSelector,
  type GrpcUri,
  type Resolver,
  type ResolverListener,
  registerResolver,
  statusOrFromValue,
} from '../grpc-experimental.ts';
import { BALANCER_KEY, POLICY_NAME } from './mesh-load-balancer.ts';

/** Scheme of the targets: `mesh:///user-service`. */
export const SCHEME = 'mesh';

/** Channel option that carries the ResolverContext of a target. */
export const RESOLVER_CONTEXT_KEY = 'grpc.internal.no_subchannel.weft_context';

/** What a target of the mesh resolves with. */
export interface ResolverContext {
  readonly directory: ServiceDirectory;
  readonly balancer: Balancer;
  readonly selector: ConfigSelector;
}

/**
 * Follows one service in the registry for as long as the channel is in use. What changes goes straight
 * to the balancer core and costs what has changed; gRPC is told once how calls are made.
 */
class MeshResolver implements Resolver {
  readonly #context: ResolverContext;
  readonly #listener: ResolverListener;
  #unfollow: (() => void) | undefined;

  constructor(_target: GrpcUri, listener: ResolverListener, options: ChannelOptions) {
    this.#context = options[RESOLVER_CONTEXT_KEY] as ResolverContext;
    this.#listener = listener;
  }

  /** Changes are pushed: asking again needs nothing but to follow, if it does not yet. */
  updateResolution(): void {
    this.#unfollow ??= this.#follow();
  }

  destroy(): void {
    this.#unfollow?.();
    this.#unfollow = undefined;
  }

  static getDefaultAuthority({ path }: GrpcUri): string {
    return path.replace(/^\//, '');
  }

  #follow(): () => void {
    const { directory, balancer, selector } = this.#context;
    // A call has its deadline and its place in the queue before the registry is heard.
    queueMicrotask(() => {
      if (this.#unfollow === undefined) return;
      this.#listener(
        statusOrFromValue([]),
        { [BALANCER_KEY]: balancer, [CHANNEL_ARGS_CONFIG_SELECTOR_KEY]: selector },
        statusOrFromValue({ loadBalancingConfig: [{ [POLICY_NAME]: {} }], methodConfig: [] }),
        '',
      );
    });
    return directory.follow(balancer.service, {
      instancesChanged: (changes) => balancer.apply(changes),
      discoveryFailed: ({ message }) => balancer.discoveryFailed(message),
    });
  }
}

let isRegistered = false;

/** Makes the scheme known to grpc-js, once per process. */
export function registerMeshResolver(): void {
  if (isRegistered) return;
  isRegistered = true;
  registerResolver(SCHEME, MeshResolver);
}
