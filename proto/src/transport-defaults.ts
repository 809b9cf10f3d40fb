import type { ChannelOptions } from '@grpc/grpc-js';
import { installSessions } from './http2-sessions.ts';
import { weftVersion } from './weft-version.ts';

// Whoever connects or listens with these options needs it.
installSessions();

/** Largest message sent or received, either way: 4 MiB, as everywhere in gRPC. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

const messageLimits: ChannelOptions = {
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
};

/**
 * For every channel of Weft. It ignores $grpc_proxy, $https_proxy and $http_proxy: an HTTP proxy resolves
 * names itself, so it cannot reach what the registry lists. grpc-js looks the target up in $no_proxy
 * before it resolves the target, so addresses there do not help (compare
 * https://github.com/grpc/grpc-go/issues/8327).
 */
export const WITHOUT_HTTP_PROXY: ChannelOptions = { 'grpc.enable_http_proxy': 0 };

/**
 * What Weft clients ask of a connection.
 *
 * Keepalive, while calls are in flight, finds a frozen or unreachable peer in 2 to 4 s. A ping costs
 * 40 us here and 20 us there: with 100 busy connections 0.2% of a core. It waits for its answer as
 * long as a call waits by default, so that a stall which calls survive costs no connection. Weft's
 * servers, being grpc-js, take any number of pings; for one that answers too_many_pings grpc-js
 * doubles the time until it is content.
 */
export const clientTransport: ChannelOptions = {
  ...messageLimits,
  ...WITHOUT_HTTP_PROXY,
  // Nobody could ask for what it counts of each call, three times. A server needs it to cut off who is left.
  'grpc.enable_channelz': 0,
  'grpc.keepalive_time_ms': 2_000,
  'grpc.keepalive_timeout_ms': 2_000,
  // Servers recognise a client whose keepalive survives GOAWAY by it, see ServerConnection.
  'grpc.primary_user_agent': `weft/${weftVersion()}`,
  'grpc.initial_reconnect_backoff_ms': 100,
  // grpc-js does not read it; nice-grpc bounds each attempt to connect by it, SETTINGS included.
  'grpc.min_reconnect_backoff_ms': 1_000,
  'grpc.max_reconnect_backoff_ms': 2_000,
};

/**
 * What Weft servers allow of a connection. grpc-js limits neither streams nor session memory itself.
 * Keepalive here only frees what a lost client held, also when it has no call in flight.
 */
export const serverTransport: ChannelOptions = {
  ...messageLimits,
  'grpc.max_concurrent_streams': 10_000,
  'grpc-node.max_session_memory': 64,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
};
