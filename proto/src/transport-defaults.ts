import type { ChannelOptions } from '@grpc/grpc-js';

/** Largest message sent or received, either way: 4 MiB, as everywhere in gRPC. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

const messageLimits: ChannelOptions = {
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
};

/**
 * What Weft clients ask of a connection. Keepalive finds a frozen or unreachable peer in
 * 10 s + 5 s; servers must allow it (see `serverTransport`), or they answer too_many_pings.
 */
export const clientTransport: ChannelOptions = {
  ...messageLimits,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.initial_reconnect_backoff_ms': 100,
  // grpc-js does not read it; nice-grpc bounds each attempt to connect by it, SETTINGS included.
  'grpc.min_reconnect_backoff_ms': 1_000,
  'grpc.max_reconnect_backoff_ms': 2_000,
};

/**
 * What Weft servers allow of a connection. grpc-js limits neither streams nor session memory itself.
 */
export const serverTransport: ChannelOptions = {
  ...messageLimits,
  'grpc.max_concurrent_streams': 10_000,
  'grpc-node.max_session_memory': 64,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
};
