import { connectivityState } from '@grpc/grpc-js';
import type {
  ConnectivityStateListener,
  Subchannel,
} from '../../../../client-sdk/src/grpc-experimental.ts';

const { CONNECTING, IDLE } = connectivityState;

/** A subchannel whose state the test sets. Those who let go of it are told all the same, if late. */
export class FakeSubchannel {
  readonly address: unknown;
  readonly args: Record<string, unknown>;
  readonly listeners = new Set<ConnectivityStateListener>();
  state = IDLE;
  refs = 0;
  tries = 0;

  constructor(address: unknown, args: Record<string, unknown>) {
    this.address = address;
    this.args = args;
  }

  getConnectivityState = () => this.state;
  addConnectivityStateListener = (each: ConnectivityStateListener) => this.listeners.add(each);
  removeConnectivityStateListener = (each: ConnectivityStateListener) =>
    this.listeners.delete(each);

  ref(): void {
    this.refs += 1;
  }

  unref(): void {
    this.refs -= 1;
  }

  startConnecting(): void {
    this.tries += 1;
    if (this.state === IDLE) this.become(CONNECTING);
  }

  become(state: connectivityState, error?: string): void {
    const before = this.state;
    this.state = state;
    const self = this as unknown as Subchannel;
    for (const each of [...this.listeners]) each(self, before, state, 0, error);
  }
}
