import { type ChannelOptions, connectivityState, experimental } from '@grpc/grpc-js';

type Helper = experimental.ChannelControlHelper;
type Subchannel = experimental.SubchannelInterface;
type Picker = experimental.Picker;

/** A connection that is always there, without a socket. */
class ReadySubchannel {
  readonly #address: string;
  readonly #listeners = new Set<experimental.ConnectivityStateListener>();
  #refs = 0;

  constructor(address: string) {
    this.#address = address;
  }

  /** How many hold it or listen to it. */
  get holders(): number {
    return this.#refs + this.#listeners.size;
  }

  getConnectivityState = () => connectivityState.READY;
  getAddress = () => this.#address;
  getRealSubchannel = () => this;
  isHealthy = () => true;
  realSubchannelEquals = (other: Subchannel) => other.getAddress() === this.#address;
  getChannelzRef = () => ({ kind: 'subchannel', id: 1, name: this.#address });
  addConnectivityStateListener(listener: experimental.ConnectivityStateListener): void {
    this.#listeners.add(listener);
  }
  removeConnectivityStateListener(listener: experimental.ConnectivityStateListener): void {
    this.#listeners.delete(listener);
  }
  createCall(): never {
    throw new Error('there is no connection');
  }
  startConnecting(): void {}
  throttleKeepalive(): void {}
  ref(): void {
    this.#refs += 1;
  }
  unref(): void {
    this.#refs -= 1;
  }
  addHealthStateWatcher(): void {}
  removeHealthStateWatcher(): void {}
  addDataWatcher(): void {}
  getCallCredentials(): undefined {}
  getChannel(): undefined {}
}

/** A channel without transport: what a load-balancing policy asks of one costs next to nothing. */
export class FakeChannel {
  readonly #pool = new Map<string, ReadySubchannel>();
  readonly helper: Helper = {
    createSubchannel: (address) => {
      const key = 'host' in address ? `${address.host}:${address.port}` : address.path;
      const subchannel = this.#pool.get(key) ?? new ReadySubchannel(key);
      this.#pool.set(key, subchannel);
      return subchannel as unknown as Subchannel;
    },
    updateState: (state, picker) => {
      this.#state = state;
      this.#picker = picker;
    },
    requestReresolution: () => {},
    addChannelzChild: () => {},
    removeChannelzChild: () => {},
  };
  #state: connectivityState = connectivityState.IDLE;
  #picker: Picker | undefined;

  /** Forgets the connections that nobody holds, as gRPC does now and then. Answers how many are left. */
  forgetUnused(): number {
    for (const [key, { holders }] of this.#pool) if (holders === 0) this.#pool.delete(key);
    return this.#pool.size;
  }

  /**
   * One pick, as a call would make it.
   * @param info what the config selector hands the picks of a call
   * @throws Error when the policy picks nothing
   */
  pick(info: unknown): void {
    const metadata = undefined as never;
    const extraPickInfo = info as { [key: string]: string };
    const result = this.#picker?.pick({ metadata, extraPickInfo });
    if (result?.subchannel == null || this.#state !== connectivityState.READY) {
      throw new Error(`the policy picks nothing: state ${this.#state}, ${result?.status?.details}`);
    }
    // A pick that is not sent would be taken back only later.
    result.onCallStarted?.();
    result.onCallEnded?.(0, '', metadata);
  }
}

export const { ChildLoadBalancerHandler, parseLoadBalancingConfig, statusOrFromValue } =
  experimental;
export type { ChannelOptions };
