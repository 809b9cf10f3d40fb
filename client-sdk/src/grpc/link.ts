import { type ChannelOptions, connectivityState } from '@grpc/grpc-js';
import { addressText } from '@weft/proto';
import { Backoff } from '../backoff.ts';
import type { Attempt } from '../balancer/attempt.ts';
import type { Balancer } from '../balancer/balancer.ts';
import type { CallRecord } from '../balancer/call-record.ts';
import type { Endpoint } from '../balancer/endpoint.ts';
import type { PlannedCall } from '../call/planned-call.ts';
import type {
  ChannelControlHelper,
  ConnectivityStateListener,
  PickResult,
  Subchannel,
} from '../grpc-experimental.ts';
import { type AttemptSite, GrpcAttempt } from './grpc-attempt.ts';
import { checkIdentity, tellsIdentity } from './identity-check.ts';
import { pingPeer } from './ping-peer.ts';

/** How long a connection may take until it can be used, in ms, the check of its identity included. */
const CONNECT_TIMEOUT_MS = 1000;

/** Subchannel argument that makes each try a connection of its own. */
const TRY_KEY = 'weft.connection_try';

/**
 * The connection to one endpoint, kept up for as long as the endpoint is listed. It counts as made when
 * it is ready and the instance at its other end has said that it is the one meant, so that a recycled
 * address fails closed.
 *
 * grpc-js waits for ever on a peer that accepts and then says nothing (grpc-node #2785); here a try
 * has a second, then another subchannel takes its place.
 */
export class Link {
  readonly endpoint: Endpoint;
  readonly #balancer: Balancer;
  readonly #helper: ChannelControlHelper;
  readonly #args: ChannelOptions;
  readonly #site: AttemptSite & { endedConnections: number };
  readonly #backoff = new Backoff();
  #subchannel: Subchannel | undefined;
  #tries = 0;
  /** When the connection must be made, on the monotonic clock in ms. */
  #connectBy = 0;
  #timer: NodeJS.Timeout | undefined;
  #closer = new AbortController();

  constructor(
    endpoint: Endpoint,
    balancer: Balancer,
    helper: ChannelControlHelper,
    args: ChannelOptions,
  ) {
    this.endpoint = endpoint;
    this.#balancer = balancer;
    this.#helper = helper;
    this.#args = args;
    const fundMove = (call: CallRecord) => balancer.fundMove(call);
    this.#site = { endedConnections: 0, movable: new Set(), fundMove };
  }

  /** Begins to connect. */
  open(): void {
    const { host = '', port = 0 } = this.endpoint.instance.address ?? {};
    const args = this.#tries === 0 ? this.#args : { ...this.#args, [TRY_KEY]: this.#tries };
    const subchannel = this.#helper.createSubchannel({ host, port }, args);
    subchannel.ref();
    subchannel.addConnectivityStateListener(this.#onState);
    this.#subchannel = subchannel;
    this.#connectBy = performance.now() + CONNECT_TIMEOUT_MS;
    this.#changed(subchannel.getConnectivityState());
  }

  /** Makes what sends an attempt over this connection. */
  send(attempt: Attempt, call: PlannedCall): PickResult {
    return new GrpcAttempt(attempt, this.#subchannel as Subchannel, call, this.#site);
  }

  /** Ends the attempts in flight that can be made elsewhere. */
  abortMovable(reason: string): void {
    for (const attempt of [...this.#site.movable]) attempt.abort(reason);
  }

  /** Pings the process at the other end, see `pingPeer`. */
  ping(onAnswer: () => void): boolean {
    return this.#subchannel !== undefined && pingPeer(this.#subchannel, onAnswer);
  }

  /** Lets go of the connection; its calls in flight hold it until they end. */
  close(): void {
    this.#clear();
    this.#drop();
  }

  #drop(): void {
    this.#subchannel?.removeConnectivityStateListener(this.#onState);
    this.#subchannel?.unref();
    this.#subchannel = undefined;
  }

  #clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#closer.abort();
    this.#closer = new AbortController();
  }

  readonly #onState: ConnectivityStateListener = (
    _subchannel,
    _previous,
    state,
    _keepalive,
    error,
  ) => this.#changed(state, error);

  #changed(state: connectivityState, error = 'the connection failed'): void {
    switch (state) {
      case connectivityState.READY:
        if (tellsIdentity(this.endpoint.instance)) void this.#identify();
        else this.#made();
        return;
      case connectivityState.TRANSIENT_FAILURE:
        this.#clear();
        this.#failed(error);
        return;
      case connectivityState.IDLE:
        // Stay connected to every endpoint, so that no call waits for a connection.
        this.#clear();
        this.#site.endedConnections += 1;
        this.#unmade();
        this.#subchannel?.startConnecting();
        return;
      case connectivityState.CONNECTING:
        this.#unmade();
        this.#connectBy = performance.now() + CONNECT_TIMEOUT_MS;
        this.#timer ??= setTimeout(
          () => this.#renew(`no connection within ${CONNECT_TIMEOUT_MS} ms`),
          CONNECT_TIMEOUT_MS,
        ).unref();
        return;
      case connectivityState.SHUTDOWN:
        return;
    }
  }

  async #identify(): Promise<void> {
    this.#clear();
    const { signal } = this.#closer;
    const { instance } = this.endpoint;
    const channel = (this.#subchannel as Subchannel).getChannel();
    const leftMs = Math.max(1, this.#connectBy - performance.now());
    const problem = await checkIdentity(channel, instance, leftMs, signal);
    if (signal.aborted) return;
    if (problem === undefined) this.#made();
    else this.#renew(problem);
  }

  #made(): void {
    this.#clear();
    this.#backoff.reset();
    this.#balancer.setConnection(this.endpoint, { state: 'ready' });
  }

  #unmade(): void {
    if (this.endpoint.connection.state !== 'ready') return;
    this.#balancer.setConnection(this.endpoint, { state: 'connecting' });
  }

  #failed(error: string): void {
    this.#balancer.setConnection(this.endpoint, { state: 'failing', error });
  }

  /** Gives this connection up and makes another after a while. */
  #renew(error: string): void {
    this.#clear();
    this.#drop();
    this.#failed(`${error} at ${addressText(this.endpoint.instance.address)}`);
    this.#tries += 1;
    const { signal } = this.#closer;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (!signal.aborted) this.open();
    }, this.#backoff.nextMs()).unref();
  }
}
