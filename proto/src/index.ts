/** What every Weft server and client shares besides the generated contracts. */

export { HealthCheckResponse_ServingStatus as ServingStatus } from '../gen/grpc/health/v1/health.ts';
// Addresses
export { addressText } from './address-text.ts';
export { answersInOrder } from './answers-in-order.ts';
// Errors as a caller sees them
export { type CallFailure, callFailure } from './call-failure.ts';
// Calls as a server sees them
export {
  type CallObserver,
  type CallType,
  callObserver,
  callTypeOf,
  type ObservedCall,
} from './call-observer.ts';
// What contracts describe
export { type DescribedService, describedServices } from './described-services.ts';
export { reflectedContracts } from './descriptor-registry.ts';
// Signals
export { type EndSignalHandlers, onEndSignals } from './end-signals.ts';
// Errors with google.rpc details
export {
  aborted,
  alreadyExists,
  ERROR_DOMAIN,
  FieldChecks,
  type FieldViolation,
  failedPrecondition,
  invalidArgument,
  isStatusError,
  notFound,
  outOfRange,
  resourceExhausted,
  unauthenticated,
  unavailable,
} from './errors.ts';
// Metadata that HTTP/2 can carry
export { headerFault } from './header-rules.ts';
export { HealthState } from './health.ts';
// Hosts
export { hostProblem } from './host-problem.ts';
// HTTP
export { type HttpHandler, type HttpRoutes, HttpServer } from './http-server.ts';
export { IDENTITY_KEY, IDENTITY_VERSION, type Identity } from './identity.ts';
export { importsFirst } from './imports-first.ts';
// Servers
export { deadlineExceeded, incomingDeadline } from './incoming-deadline.ts';
// Names
export { HOST_NAME, INSTANCE_ID, KEY_PREFIX, type LabelRule, SERVICE_NAME } from './labels.ts';
export { leaseText } from './lease-text.ts';
// Logging
export { type Log, silentLog } from './log.ts';
export { LogDestination, openLogDestination } from './log-destination.ts';
// Messages as JSON
export { messageFromJson, messageToJson } from './message-json.ts';
export { messageOf } from './message-of.ts';
// Money
export {
  checkMoney,
  fitsMoney,
  isSameMoney,
  moneyFromNanos,
  moneyText,
  moneyToNanos,
} from './money.ts';
// Names
export { nameHint, nearestName, unknownName } from './nearest-name.ts';
// Paged lists
export { pageSize, pageStart, pageToken } from './paging.ts';
// Waiting
export { pause } from './pause.ts';
// Instances
export { isPlainTcp } from './plain-tcp.ts';
// Protocols
export { isGrpcServer, PROTOCOL_KEY } from './protocol.ts';
// Published architectures
export { PUBLICATION_LIMITS } from './publication-limits.ts';
// Servers
export { PUSHBACK_TRAILER, pushbackStatus } from './pushback.ts';
export { REFLECTION_VERSIONS } from './reflection.ts';
export { passedOn, refused, type SentStatus } from './refused-call.ts';
export { CALL_RESET_LIMITS, type ResetLimits } from './reset-limits.ts';
export type { RouteInterceptor } from './route-interceptor.ts';
export { GrpcServer, type GrpcServerOptions, type Route, route } from './server.ts';
export type { ServerConnection } from './server-connection.ts';
export type { SheddingSettings } from './shedding.ts';
// Sizes of messages and metadata
export {
  DEFAULT_SIZE_LIMITS,
  metadataBytes,
  overLimit,
  SIZE_LIMIT_RANGES,
  type SizeLimits,
} from './size-limits.ts';
// Who an instance is
export { SLOT_KEY, slotNameOf } from './slot-name.ts';
// Watches
export { SnapshotParts } from './snapshot-parts.ts';
export { statusMessage } from './status-message.ts';
// Text in requests
export { isText } from './text.ts';
// Transport
export {
  clientTransport,
  MAX_MESSAGE_BYTES,
  serverTransport,
  WITHOUT_HTTP_PROXY,
} from './transport-defaults.ts';
export { untilAborted } from './until-aborted.ts';
// Version
export { weftVersion } from './weft-version.ts';
