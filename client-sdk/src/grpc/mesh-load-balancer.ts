import { type ChannelOptions, connectivityState } from '@grpc/grpc-js';
import type { Balancer } from '../balancer/balancer.ts';
import type { BalancerListener } from '../balancer/balancer-options.ts';
import type { Endpoint } from '../balancer/endpoint.ts';
import { FirstPicks } from '../balancer/first-picks.ts';
import {
  type ChannelControlHelper,
  type GrpcEndpoint,
  type LoadBalancer,
  registerLoadBalancerType,
  type StatusOr,
  type TypedLoadBalancingConfig,
} from '../grpc-experimental.ts';
import { Link } from './link.ts';
import { MeshPicker } from './mesh-picker.ts';

/** Name of the policy in a service config. */
export const POLICY_NAME = 'weft';

/**
 * Resolver attribute that carries the balancer core to use. The prefix keeps it out of the arguments by
 * which grpc-js tells subchannels apart.
 */
export const BALANCER_KEY = 'grpc.internal.no_subchannel.weft_balancer';

/** The policy takes no settings from the service config: they come with the core. */
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

/**
 * gRPC's side of the balancer core: one connection to each endpoint, kept up. The core is fed by
 * discovery itself; what the resolver hands over is only which core it is.
 */
class MeshLoadBalancer implements LoadBalancer, BalancerListener {
  readonly #helper: ChannelControlHelper;
  readonly #links = new Map<Endpoint, Link>();
  readonly #firstPicks = new FirstPicks(() => this.picksChanged());
  #balancer: Balancer | undefined;
  #picker: MeshPicker | undefined;
  #state: connectivityState | undefined;
  #subchannelArgs: ChannelOptions = {};

  constructor(helper: ChannelControlHelper) {
    this.#helper = helper;
  }

  updateAddressList(
    _endpoints: StatusOr<GrpcEndpoint[]>,
    _config: TypedLoadBalancingConfig,
    options: ChannelOptions,
  ): boolean {
    const balancer = options[BALANCER_KEY] as Balancer;
    if (this.#balancer === balancer) return true;
    this.#subchannelArgs = Object.fromEntries(
      Object.entries(options).filter(([key]) => !key.startsWith('grpc.internal.')),
    );
    this.#balancer = balancer;
    this.#picker = new MeshPicker(balancer, this.#firstPicks, (attempt, call) => {
      const link = this.#links.get(attempt.endpoint) as Link;
      return link.send(attempt, call);
    });
    balancer.listen(this);
    for (const endpoint of balancer.endpoints) this.endpointAdded(endpoint);
    this.picksChanged();
    return true;
  }

  endpointAdded(endpoint: Endpoint): void {
    const balancer = this.#balancer as Balancer;
    const link = new Link(endpoint, balancer, this.#helper, this.#subchannelArgs);
    this.#links.set(endpoint, link);
    link.open();
  }

  endpointRemoved(endpoint: Endpoint): void {
    this.#links.get(endpoint)?.close();
    this.#links.delete(endpoint);
  }

  endpointStalled(endpoint: Endpoint): void {
    this.#links.get(endpoint)?.abortMovable('the instance stopped answering');
  }

  ping(endpoint: Endpoint, onAnswer: () => void): boolean {
    return this.#links.get(endpoint)?.ping(onAnswer) ?? false;
  }

  picksChanged(): void {
    const balancer = this.#balancer;
    const picker = this.#picker;
    if (balancer === undefined || picker === undefined) return;
    this.#firstPicks.update(balancer.endpoints);
    const state = this.#firstPicks.areHeld ? connectivityState.CONNECTING : stateOf(balancer);
    // gRPC has to know of a change only if a call waits for it or the channel's own state is another.
    if (state === this.#state && !picker.hasQueued) return;
    picker.hasQueued = false;
    this.#state = state;
    const why =
      state === connectivityState.TRANSIENT_FAILURE
        ? `${balancer.service} has no usable instance`
        : null;
    this.#helper.updateState(state, picker, why);
  }

  exitIdle(): void {
    // gRPC asks at each call; the connections are always kept up.
  }

  resetBackoff(): void {
    // Connections keep their own backoff, bounded by the channel options.
  }

  destroy(): void {
    this.#firstPicks.close();
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
}

function stateOf(balancer: Balancer): connectivityState {
  if (balancer.canPick) return connectivityState.READY;
  return balancer.explain().kind === 'wait'
    ? connectivityState.CONNECTING
    : connectivityState.TRANSIENT_FAILURE;
}

let isRegistered = false;

/** Makes the policy known to grpc-js, once per process. */
export function registerMeshLoadBalancer(): void {
  if (isRegistered) return;
  isRegistered = true;
  registerLoadBalancerType(POLICY_NAME, MeshLoadBalancer, MeshLoadBalancingConfig);
}
