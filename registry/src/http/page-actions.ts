import type { IncomingMessage, ServerResponse } from 'node:http';
import { type HttpHandler, isStatusError, type Log, messageOf } from '@weft/proto';
import { InstanceStatus } from '@weft/proto/registry';
import { BreakerState } from '@weft/proto/telemetry';
import { Status } from 'nice-grpc-common';
import { StoreError, type StoreErrorCode } from '../errors.ts';
import type { Writes } from '../limits/guarded-writes.ts';
import type { ActionRequest, BreakerAction, InstanceAction } from '../page/wire.ts';
import type { BreakerOrders } from '../telemetry/breaker-orders.ts';
import { checkOrder } from '../telemetry/telemetry-rules.ts';

const MAX_BODY_BYTES = 4096;

const CODES: Readonly<Record<StoreErrorCode, number>> = {
  conflict: 409,
  superseded: 409,
  'not-found': 404,
  unavailable: 503,
  'no-space': 507,
};

/**
 * Whether a request comes from the page itself, not from another site in the same browser. The server has
 * checked the host name before.
 */
export function isOwnPage({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  const { host = '', origin = '' } = headers;
  if (!URL.canParse(origin)) return false;
  const { protocol, host: ofOrigin } = new URL(origin);
  const own = `${protocol}//${host}`;
  return ofOrigin !== '' && URL.canParse(own) && new URL(own).host === ofOrigin;
}

async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Whether text is the id of a lease in hexadecimal: 63 bits, and never 0, which would match every lease. */
function isLease(text: unknown): text is string {
  if (typeof text !== 'string' || !/^[0-9a-f]{1,16}$/.test(text)) return false;
  const id = BigInt(`0x${text}`);
  return id > 0n && id < 2n ** 63n;
}

/** What a body asks for; undefined when it is nothing that can be asked. */
export function parseAction(body: string): ActionRequest | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { action, service, id, leaseId, caller } = value as Record<string, unknown>;
  if (typeof service !== 'string' || typeof id !== 'string') return undefined;
  if (action === 'open' || action === 'close') {
    return typeof caller === 'string' ? { action, service, id, caller } : undefined;
  }
  if (action !== 'drain' && action !== 'deregister') return undefined;
  return isLease(leaseId) ? { action, service, id, leaseId } : undefined;
}

export interface PageActionsOptions {
  writes: Writes;
  orders: Pick<BreakerOrders, 'give'>;
  log: Log;
}

async function change(writes: Writes, request: InstanceAction): Promise<void> {
  const { action, service, id } = request;
  const reference = { service, id, leaseId: BigInt(`0x${request.leaseId}`) };
  if (action === 'deregister') await writes.deregister(reference);
  else await writes.update(reference, { status: InstanceStatus.INSTANCE_STATUS_STOPPING });
}

function order(orders: PageActionsOptions['orders'], request: BreakerAction, from: string): void {
  const { action, service, id, caller } = request;
  const { BREAKER_STATE_OPEN, BREAKER_STATE_CLOSED } = BreakerState;
  const state = action === 'open' ? BREAKER_STATE_OPEN : BREAKER_STATE_CLOSED;
  const asked = { service, instanceId: id, state, callerInstanceId: caller };
  checkOrder(asked);
  orders.give(asked, `the page from ${from}`);
}

/** The HTTP status of what an action failed with; undefined when it is a fault of ours. */
function codeOf(error: unknown): number | undefined {
  if (error instanceof StoreError) return CODES[error.code];
  if (!isStatusError(error)) return undefined;
  return error.code === Status.NOT_FOUND ? 404 : 400;
}

/** Answers POST with an action as JSON: 204 when it was done, else the reason as text. */
export function pageActions({ writes, orders, log }: PageActionsOptions): HttpHandler {
  const refuse = (response: ServerResponse, code: number, text: string) => {
    response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
    response.end(`${text}\n`);
  };
  return async (request, response) => {
    if (!isOwnPage(request)) return refuse(response, 403, 'only the page itself may ask for this');
    const type = request.headers['content-type']?.split(';')[0];
    if (type !== 'application/json') return refuse(response, 415, 'it must be application/json');
    const body = await bodyOf(request);
    if (body === undefined) return refuse(response, 413, `at most ${MAX_BODY_BYTES} bytes`);
    const action = parseAction(body);
    const rule =
      'it must have an action, a service, an id, and a leaseId to drain or deregister, or a caller to open or close';
    if (action === undefined) return refuse(response, 400, rule);
    const { remoteAddress: peer = '' } = request.socket;
    try {
      if ('leaseId' in action) await change(writes, action);
      else order(orders, action, peer);
      log.info({ ...action, peer }, 'asked for on the page');
      response.writeHead(204).end();
    } catch (error) {
      const code = codeOf(error);
      if (code === undefined) throw error;
      refuse(response, code, messageOf(error));
    }
  };
}
