import { type ChannelOptions, connectivityState, experimental } from '@grpc/grpc-js';

type Helper = experimental.ChannelControlHelper;
type Subchannel = experimental.SubchannelInterface;
type Picker = experimental.Picker;

/** A connection that is always there, without a socket. */
class ReadySubchannel {
  readonly #address: string;
  readonly #listeners = new Set<experimental.ConnectivityStateListener>();

  constructor(address: string) {
    this.#address = address;
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
  ref(): void {}
  unref(): void {}
  addHealthStateWatcher(): void {}
  removeHealthStateWatcher(): void {}
  addDataWatcher(): void {}
  getCallCredentials(): undefined {}
  getChannel(): undefined {}
}

/** A channel without transport: what a load-balancing policy asks of one costs next to nothing. */
export class FakeChannel {
  readonly #pool = new Map<string, Subchannel>();
  readonly helper: Helper = {
    createSubchannel: (address) => {
      const key = 'host' in address ? `${address.host}:${address.port}` : address.path;
      const known = this.#pool.get(key);
      if (known !== undefined) return known;
      const created = new ReadySubchannel(key) as unknown as Subchannel;
      this.#pool.set(key, created);
      return created;
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
