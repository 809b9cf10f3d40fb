import { type Log, pause } from '@weft/proto';
import { InstanceStatus } from '@weft/proto/registry';
import type { RegistryConnection } from '../discovery/registry-connection.ts';
import { lastCallersLeft } from './last-callers.ts';
import type { Registrar } from './registrar.ts';

/** How long calls that left a client before it routed elsewhere take to arrive, in ms. */
const UNDER_WAY_MS = 20;

export interface LeaveCallsOptions {
  readonly registrar: Registrar;
  readonly registry: RegistryConnection;
  /** How long to wait at most until every client has acknowledged, in ms. */
  readonly acknowledgeMs: number;
  /** How long to wait instead if no registry can say who has, in ms. */
  readonly settleMs: number;
  readonly log: Log;
}

/** Lists an instance as STOPPING, and waits until every client routes its calls to other instances. */
export async function leaveCalls(options: LeaveCallsOptions): Promise<void> {
  const { registrar, registry, acknowledgeMs: withinMs, settleMs, log } = options;
  const { service, leaseId } = registrar.instance;
  const revision = await registrar.setStatus(InstanceStatus.INSTANCE_STATUS_STOPPING);
  // No client can know an instance that was never listed.
  if (leaseId === 0n) return;
  const isTold =
    revision !== undefined &&
    (await lastCallersLeft({
      registry,
      service,
      revision,
      listedMs: () => registrar.listedMs,
      withinMs,
      log,
    }));
  await pause(isTold ? UNDER_WAY_MS : settleMs, new AbortController().signal);
}
