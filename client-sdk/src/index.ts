/** Take part in a Weft mesh: call services, offer one. */

export { type Log, type Route, route, type SizeLimits } from '@weft/proto';
export { ClientError, Status } from 'nice-grpc-common';
export { RichClientError } from 'nice-grpc-error-details';
export type { AttemptReport, CallReport } from './balancer/call-report.ts';
// For strategies of one's own
export type { Endpoint } from './balancer/endpoint.ts';
export type { StrategyName } from './balancer/strategies.ts';
export { registerStrategy } from './balancer/strategies.ts';
export type {
  PickRequest,
  Strategy,
  StrategyEnvironment,
  StrategyFactory,
} from './balancer/strategy.ts';
export type { BreakerView } from './breaker/breaker-view.ts';
export type { MeshCallOptions } from './call/call-options.ts';
export { callReport } from './call/error-reports.ts';
export type { DiscoveryOptions, MeshOptions } from './config.ts';
// For programs without generated code
export type { Contract } from './contract/contract.ts';
// For tools that check a configuration before a program reads it
export { serviceNameOf } from './contract/contract.ts';
export { loadContracts } from './contract/load-contracts.ts';
export type { SnapshotKept, SnapshotReleased } from './discovery/discovery-observer.ts';
export type { Kept, RegistryTrouble } from './discovery/instance-changes.ts';
export type { ServiceSnapshot } from './discovery/service-snapshot.ts';
// Errors
export { ConfigError, WeftError } from './errors.ts';
// For every program
export { createMesh, type Mesh } from './mesh.ts';
export type { InstanceEvent, MeshEventMap } from './mesh-events.ts';
// How calls are made
export type { ContractPolicy } from './policy/contract-policy.ts';
export type { Fault } from './policy/faults.ts';
export { POLICIES_VARIABLE, policyFaults } from './policy/read-policies.ts';
export type {
  BreakerOptions,
  HedgingOptions,
  MeshPolicies,
  MethodPolicy,
  OutlierEjectionOptions,
  PolicyDefaults,
  RetryBudgetOptions,
  RetryOptions,
  ServicePolicy,
  SitePolicy,
  SubsetOptions,
} from './policy/service-policy.ts';
// For programs that offer a service
export { type CallContext, currentCall, withoutCall } from './server/call-context.ts';
export type { LifecycleStatus } from './server/lifecycle.ts';
export type { Protocol, RegisterOptions } from './server/register-options.ts';
export type { Registration } from './server/registration.ts';
export type { SheddingOptions } from './server/serve-limits.ts';
export type { ServeOptions } from './server/serve-options.ts';
export type { ServiceHost } from './server/service-host.ts';
