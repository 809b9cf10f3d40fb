import type { ChannelOptions } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import type { Instance } from '@weft/proto/registry';
import type { Balancer } from '../balancer/balancer.ts';
import { MESH_UPDATE_KEY, type MeshUpdate, POLICY_NAME } from '../balancer/mesh-load-balancer.ts';
import type { ServiceDirectory } from '../discovery/service-directory.ts';
import {
  CHANNEL_ARGS_CONFIG_SELECTOR_KEY,
  type ConfigSelector,
  type GrpcUri,
  type Resolver,
  type ResolverListener,
  registerResolver,
  statusOrFromError,
  statusOrFromValue,
} from '../grpc-experimental.ts';

/** Scheme of the targets: `mesh:///user-service`. */
export const SCHEME = 'mesh';

/** Channel option that carries the ResolverContext of a target. */
export const RESOLVER_CONTEXT_KEY = 'grpc.internal.no_subchannel.weft_context';

/** What a target of the mesh resolves with. */
export interface ResolverContext {
  readonly directory: ServiceDirectory;
  readonly balancer: Balancer;
  readonly callPolicy: ConfigSelector & Pick<MeshUpdate, 'isRetried'>;
  readonly retryThrottling: { readonly maxTokens: number; readonly tokenRatio: number };
}

/** Follows one service in the registry and hands every change to the channel. */
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

  static getDefaultAuthority(target: GrpcUri): string {
    return serviceOf(target);
  }

  #follow(): () => void {
    const { directory, balancer, callPolicy, retryThrottling } = this.#context;
    const serviceConfig = statusOrFromValue({
      loadBalancingConfig: [{ [POLICY_NAME]: {} }],
      methodConfig: [],
      retryThrottling,
    });
    const tell = (instances: readonly Instance[] | undefined) => {
      const update: MeshUpdate = {
        balancer,
        instances,
        isRetried: (path) => callPolicy.isRetried(path),
      };
      const endpoints = (instances ?? []).flatMap(({ address }) =>
        address === undefined ? [] : [{ addresses: [address] }],
      );
      this.#listener(
        statusOrFromValue(endpoints),
        { [MESH_UPDATE_KEY]: update, [CHANNEL_ARGS_CONFIG_SELECTOR_KEY]: callPolicy },
        serviceConfig,
        '',
      );
    };
    // A call has its deadline from the config selector: it must not have to wait for the registry.
    queueMicrotask(() => {
      if (this.#unfollow !== undefined) tell(undefined);
    });
    return directory.follow(balancer.service, {
      snapshotChanged: ({ instances }) => tell(instances),
      discoveryFailed: (error) => {
        this.#listener(
          statusOrFromError({ code: status.UNAVAILABLE, details: error.message }),
          { [CHANNEL_ARGS_CONFIG_SELECTOR_KEY]: callPolicy },
          serviceConfig,
          '',
        );
      },
    });
  }
}

function serviceOf({ path }: GrpcUri): string {
  return path.replace(/^\//, '');
}

let isRegistered = false;

/** Makes the scheme known to grpc-js, once per process. */
export function registerMeshResolver(): void {
  if (isRegistered) return;
  isRegistered = true;
  registerResolver(SCHEME, MeshResolver);
}
