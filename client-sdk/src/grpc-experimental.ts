/**
 * The parts of grpc-js by which gRPC is extended: resolvers and load-balancing policies. They are
 * experimental there, so grpc-js is pinned to an exact version and only this file imports them.
 */
import { experimental } from '@grpc/grpc-js';

export type Resolver = experimental.Resolver;
export type ResolverListener = experimental.ResolverListener;
export type ConfigSelector = experimental.ConfigSelector;
export type GrpcUri = experimental.GrpcUri;
export type GrpcEndpoint = experimental.Endpoint;
export type LoadBalancer = experimental.LoadBalancer;
export type TypedLoadBalancingConfig = experimental.TypedLoadBalancingConfig;
export type ChannelControlHelper = experimental.ChannelControlHelper;
export type Subchannel = experimental.SubchannelInterface;
export type ConnectivityStateListener = experimental.ConnectivityStateListener;
export type Picker = experimental.Picker;
export type PickArgs = experimental.PickArgs;
export type PickResult = experimental.PickResult;
export type StatusOr<T> = experimental.StatusOr<T>;

export type Filter = experimental.Filter;

export const {
  CHANNEL_ARGS_CONFIG_SELECTOR_KEY,
  PickResultType,
  registerLoadBalancerType,
  registerResolver,
  statusOrFromValue,
} = experimental;
