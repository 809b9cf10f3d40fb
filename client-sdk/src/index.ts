/** Take part in a Weft mesh: call services, offer one. */

export { type Log, type Route, route } from '@weft/proto';
export { ClientError, Status } from 'nice-grpc-common';
export { RichClientError } from 'nice-grpc-error-details';
export type { StrategyName } from './balancer/strategies.ts';
export type { MeshCallOptions } from './call/timeout-middleware.ts';
export type { BreakerOptions, MeshOptions } from './config.ts';
// For programs without generated code
export type { Contract } from './contract/contract.ts';
export { loadContracts } from './contract/load-contracts.ts';
export type { ServiceSnapshot } from './discovery/service-snapshot.ts';
// Errors
export { ConfigError, WeftError } from './errors.ts';
// For every program
export { createMesh, type Mesh } from './mesh.ts';
// For programs that offer a service
export { type CallContext, currentCall, withoutCall } from './server/call-context.ts';
export type { LifecycleStatus } from './server/lifecycle.ts';
export type { SheddingOptions } from './server/serve-limits.ts';
export type { ServeOptions } from './server/serve-options.ts';
export type { ServiceHost } from './server/service-host.ts';
