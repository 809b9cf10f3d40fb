import { FieldChecks, INSTANCE_ID, isText, SERVICE_NAME } from '@weft/proto';
import {
  BreakerState,
  type Caller,
  type Event,
  EventKind,
  type OrderBreakerRequest,
  type ReportRequest,
  type WatchEventsRequest,
  type WatchTrafficRequest,
} from '@weft/proto/telemetry';
import { checkTime } from '../instance-rules.ts';

const MOST = { edges: 5000, breakers: 5000, events: 1000 } as const;
const MAX_NAME = 128;
const MAX_METHOD = 256;
const MAX_DETAIL = 200;
const MAX_INTERVAL_MS = 60_000;
const MAX_BUCKET = 80;
const MIN_BUCKET = -40;
const STATUS_CODES = 17;

/** Attempts under way at once that one client may claim at one method of an instance. */
const MOST_UNDER_WAY = 100_000;
/** What those who report know of; the rest the registry finds out itself. */
const REPORTED: ReadonlySet<EventKind> = new Set([
  EventKind.EVENT_KIND_BREAKER_OPENED,
  EventKind.EVENT_KIND_BREAKER_HALF_OPENED,
  EventKind.EVENT_KIND_BREAKER_CLOSED,
  EventKind.EVENT_KIND_EJECTED,
  EventKind.EVENT_KIND_RETURNED,
  EventKind.EVENT_KIND_SNAPSHOT_KEPT,
  EventKind.EVENT_KIND_SCALED,
]);

type Callee = { readonly service: string; readonly instanceId: string };

function checkCallee(checks: FieldChecks, path: string, { service, instanceId }: Callee): void {
  const { pattern, mustBe } = SERVICE_NAME;
  checks.check(pattern.test(service), `${path}service`, `must be ${mustBe}`);
  const isId = instanceId === '' || INSTANCE_ID.pattern.test(instanceId);
  checks.check(isId, `${path}instance_id`, `must be ${INSTANCE_ID.mustBe}`);
}

function checkCaller(checks: FieldChecks, caller: Caller | undefined): void {
  if (!checks.check(caller !== undefined, 'caller', 'must be set') || caller === undefined) return;
  const isService = caller.service === '' || SERVICE_NAME.pattern.test(caller.service);
  checks.check(isService, 'caller.service', `must be ${SERVICE_NAME.mustBe}, or empty`);
  const isId = caller.instanceId !== '' && isText(caller.instanceId, MAX_NAME);
  const rule = `must be 1 to ${MAX_NAME} printable characters`;
  checks.check(isId, 'caller.instance_id', rule);
}

function checkEvent(checks: FieldChecks, path: string, event: Event): void {
  checkCallee(checks, `${path}.`, event);
  const isReported = REPORTED.has(event.kind);
  checks.check(isReported, `${path}.kind`, 'must be a kind of event that clients report');
  const isDetail = event.detail === '' || isText(event.detail, MAX_DETAIL);
  const rule = `must be at most ${MAX_DETAIL} printable characters`;
  checks.check(isDetail, `${path}.detail`, rule);
  checkTime(checks, `${path}.time`, event.time);
}

/** @throws INVALID_ARGUMENT naming the fields of a report that cannot be taken. */
export function checkReport(report: ReportRequest): void {
  const checks = new FieldChecks();
  checkCaller(checks, report.caller);
  const isInterval = report.intervalMs >= 1 && report.intervalMs <= MAX_INTERVAL_MS;
  checks.check(isInterval, 'interval_ms', `must be 1 to ${MAX_INTERVAL_MS}`);
  for (const field of ['edges', 'breakers', 'events'] as const) {
    const isFew = report[field].length <= MOST[field];
    checks.check(isFew, field, `must be at most ${MOST[field]}`);
  }
  checks.throwIfAny();
  report.edges.forEach((edge, index) => {
    const path = `edges[${index}]`;
    checkCallee(checks, `${path}.`, edge);
    const isMethod = edge.method === '' || isText(edge.method, MAX_METHOD);
    const rule = `must be at most ${MAX_METHOD} printable characters`;
    checks.check(isMethod, `${path}.method`, rule);
    const isCodes = [...edge.statuses.keys()].every((code) => code < STATUS_CODES);
    checks.check(
      isCodes,
      `${path}.statuses`,
      'must be counts by the status codes of gRPC, 0 to 16',
    );
    for (const [field, ms = 0] of [
      ['latency.sum_ms', edge.latency?.sumMs],
      ['busy_ms', edge.busyMs],
    ] as const) {
      const isTime = Number.isFinite(ms) && ms >= 0;
      checks.check(isTime, `${path}.${field}`, 'must be a number from 0');
    }
    const mostMs = report.intervalMs * MOST_UNDER_WAY;
    const claim = `must be at most ${MOST_UNDER_WAY} times interval_ms`;
    checks.check((edge.busyMs ?? 0) <= mostMs, `${path}.busy_ms`, claim);
    const isBuckets = [...(edge.latency?.counts.keys() ?? [])].every(
      (bucket) => bucket >= MIN_BUCKET && bucket <= MAX_BUCKET,
    );
    const range = `must have indexes from ${MIN_BUCKET} to ${MAX_BUCKET}`;
    checks.check(isBuckets, `${path}.latency.counts`, range);
  });
  report.breakers.forEach((breaker, index) => {
    checkCallee(checks, `breakers[${index}].`, breaker);
  });
  report.events.forEach((event, index) => {
    checkEvent(checks, `events[${index}]`, event);
  });
  checks.throwIfAny();
}

/** @throws INVALID_ARGUMENT naming the fields of an order that cannot be given. */
export function checkOrder(order: OrderBreakerRequest): void {
  const checks = new FieldChecks();
  checkCallee(checks, '', order);
  checks.check(order.instanceId !== '', 'instance_id', 'must be set');
  const { BREAKER_STATE_OPEN, BREAKER_STATE_CLOSED } = BreakerState;
  const isState = order.state === BREAKER_STATE_OPEN || order.state === BREAKER_STATE_CLOSED;
  checks.check(isState, 'state', 'must be BREAKER_STATE_OPEN or BREAKER_STATE_CLOSED');
  const caller = order.callerInstanceId;
  const rule = `must be at most ${MAX_NAME} printable characters`;
  checks.check(caller === '' || isText(caller, MAX_NAME), 'caller_instance_id', rule);
  checks.throwIfAny();
}

function checkServiceFilter(checks: FieldChecks, service: string): void {
  const isName = service === '' || SERVICE_NAME.pattern.test(service);
  checks.check(isName, 'service', `must be ${SERVICE_NAME.mustBe}, or empty for all`);
}

export function checkWatchTraffic({ intervalMs, service }: WatchTrafficRequest): void {
  const checks = new FieldChecks();
  const isInterval = intervalMs === 0 || (intervalMs >= 250 && intervalMs <= MAX_INTERVAL_MS);
  checks.check(isInterval, 'interval_ms', `must be 250 to ${MAX_INTERVAL_MS}, or 0 for 1000`);
  checkServiceFilter(checks, service);
  checks.throwIfAny();
}

export function checkWatchEvents({ last, service }: WatchEventsRequest): void {
  const checks = new FieldChecks();
  checks.check(last <= 1000, 'last', 'must be at most 1000');
  checkServiceFilter(checks, service);
  checks.throwIfAny();
}
