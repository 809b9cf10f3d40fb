import { type ChannelOptions, connectivityState } from '@grpc/grpc-js';
import type { Instance } from '@weft/proto/registry';
import {
  type ChannelControlHelper,
  type ConnectivityStateListener,
  type GrpcEndpoint,
  type LoadBalancer,
  QueuePicker,
  registerLoadBalancerType,
  type StatusOr,
  type Subchannel,
  type TypedLoadBalancingConfig,
} from '../grpc-experimental.ts';
import type { Balancer, BalancerListener } from './balancer.ts';
import { CallRecord } from './call-record.ts';
import type { Endpoint } from './endpoint.ts';
import { FailingPicker, MeshPicker } from './mesh-picker.ts';
import { withWholeResponses } from './whole-response.ts';

/** Name of the policy in a service config. */
export const POLICY_NAME = 'weft';

/**
 * Resolver attribute that carries a MeshUpdate. The prefix keeps it out of the arguments by which
 * grpc-js tells subchannels apart.
 */
export const MESH_UPDATE_KEY = 'grpc.internal.no_subchannel.weft_update';

/** What the mesh resolver hands the policy: the core to use and the instances listed now. */
export interface MeshUpdate {
  readonly balancer: Balancer;
  /** Undefined as long as the registry has not been heard: calls wait, as long as they may. */
  readonly instances: readonly Instance[] | undefined;
  /** Whether calls of the unary method with this path may be sent again. */
  readonly isRetried: (path: string) => boolean;
}

/** The policy takes no settings from the service config: strategy and breaker come with the core. */
class MeshLoadBalancingConfig implements TypedLoadBalancingConfig {
  getLoadBalancerName(): string {
    return POLICY_NAME;
  }

  toJsonObject(): object {
    return { [POLICY_NAME]: {} };
  }

  static createFromJson(): MeshLoadBalancingConfig {
    return new MeshLoadBalancingConfig();
  }
}

interface Link {
  readonly subchannel: Subchannel;
  /** The same, for picks. */
  readonly picked: Subchannel;
  readonly onState: ConnectivityStateListener;
}

/** gRPC's side of the balancer core: one subchannel for each endpoint, kept connected. */
class MeshLoadBalancer implements LoadBalancer, BalancerListener {
  readonly #helper: ChannelControlHelper;
  readonly #links = new Map<Endpoint, Link>();
  #balancer: Balancer | undefined;
  #subchannelArgs: ChannelOptions = {};
  #isRetried: MeshUpdate['isRetried'] = () => false;
  #isUpdating = false;

  constructor(helper: ChannelControlHelper) {
    this.#helper = helper;
  }

  updateAddressList(
    endpoints: StatusOr<GrpcEndpoint[]>,
    _config: TypedLoadBalancingConfig,
    options: ChannelOptions,
  ): boolean {
    if (!endpoints.ok) {
      // The last good set is used for as long as there is one.
      if (this.#links.size > 0) return true;
      const { code, details } = endpoints.error;
      const picker = new FailingPicker(code, details);
      this.#helper.updateState(connectivityState.TRANSIENT_FAILURE, picker, details);
      return true;
    }
    const { balancer, instances, isRetried } = options[MESH_UPDATE_KEY] as MeshUpdate;
    this.#isRetried = isRetried;
    if (instances === undefined) {
      if (this.#balancer !== undefined) return true;
      this.#helper.updateState(connectivityState.CONNECTING, new QueuePicker(this), null);
      return true;
    }
    this.#subchannelArgs = Object.fromEntries(
      Object.entries(options).filter(([key]) => !key.startsWith('grpc.internal.')),
    );
    this.#isUpdating = true;
    this.#attach(balancer);
    balancer.update(instances);
    this.#isUpdating = false;
    this.picksChanged();
    return true;
  }

  endpointAdded(endpoint: Endpoint): void {
    const { host = '', port = 0 } = endpoint.instance.address ?? {};
    const subchannel = this.#helper.createSubchannel({ host, port }, this.#subchannelArgs);
    const onState: ConnectivityStateListener = (_subchannel, _previous, state, _keepalive, error) =>
      this.#stateChanged(endpoint, subchannel, state, error);
    const picked = withWholeResponses(subchannel, (path) => this.#isRetried(path));
    this.#links.set(endpoint, { subchannel, picked, onState });
    subchannel.ref();
    subchannel.addConnectivityStateListener(onState);
    this.#stateChanged(endpoint, subchannel, subchannel.getConnectivityState());
  }

  endpointRemoved(endpoint: Endpoint): void {
    const link = this.#links.get(endpoint);
    if (link === undefined) return;
    this.#links.delete(endpoint);
    link.subchannel.removeConnectivityStateListener(link.onState);
    // Its calls in flight hold the connection until they end.
    link.subchannel.unref();
  }

  picksChanged(): void {
    if (this.#isUpdating || this.#balancer === undefined) return;
    const picker = new MeshPicker(this.#balancer, (endpoint) => this.#links.get(endpoint)?.picked);
    if (this.#balancer.pickableCount > 0) {
      this.#helper.updateState(connectivityState.READY, picker, null);
      return;
    }
    const reason = this.#balancer.explain(new CallRecord());
    if (reason.kind === 'wait') {
      this.#helper.updateState(connectivityState.CONNECTING, picker, null);
    } else {
      this.#helper.updateState(connectivityState.TRANSIENT_FAILURE, picker, reason.message);
    }
  }

  exitIdle(): void {
    for (const { subchannel } of this.#links.values()) subchannel.startConnecting();
  }

  resetBackoff(): void {
    // Subchannels keep their own backoff, bounded by the channel options.
  }

  destroy(): void {
    this.#balancer?.listen(undefined);
    for (const endpoint of [...this.#links.keys()]) {
      this.endpointRemoved(endpoint);
      this.#balancer?.setConnection(endpoint, { state: 'connecting' });
    }
    this.#balancer = undefined;
  }

  getTypeName(): string {
    return POLICY_NAME;
  }

  #attach(balancer: Balancer): void {
    if (this.#balancer === balancer) return;
    this.#balancer = balancer;
    balancer.listen(this);
    for (const endpoint of balancer.endpoints) this.endpointAdded(endpoint);
  }

  #stateChanged(
    endpoint: Endpoint,
    subchannel: Subchannel,
    state: connectivityState,
    error?: string,
  ): void {
    switch (state) {
      case connectivityState.READY:
        this.#balancer?.setConnection(endpoint, { state: 'ready' });
        return;
      case connectivityState.TRANSIENT_FAILURE:
        this.#balancer?.setConnection(endpoint, {
          state: 'failing',
          error: error ?? 'the connection failed',
        });
        return;
      case connectivityState.IDLE:
        // Stay connected to every endpoint, so that no call waits for a connection.
        if (endpoint.connection.state === 'ready') {
          this.#balancer?.setConnection(endpoint, { state: 'connecting' });
        }
        subchannel.startConnecting();
        return;
      case connectivityState.CONNECTING:
        if (endpoint.connection.state === 'ready') {
          this.#balancer?.setConnection(endpoint, { state: 'connecting' });
        }
        return;
      case connectivityState.SHUTDOWN:
        return;
    }
  }
}

let isRegistered = false;

/** Makes the policy known to grpc-js, once per process. */
export function registerMeshLoadBalancer(): void {
  if (isRegistered) return;
  isRegistered = true;
  registerLoadBalancerType(POLICY_NAME, MeshLoadBalancer, MeshLoadBalancingConfig);
}
