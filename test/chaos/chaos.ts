import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  type CallReport,
  ClientError,
  createMesh,
  type Mesh,
  type MeshCallOptions,
  Status,
} from '@weft/client-sdk';
import { Metadata } from 'nice-grpc';
import { createTestRegistry } from '../support/registry.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { type CallPlan, CLIENTS, drawCall, type MetadataKind } from './call-plan.ts';
import { ChaosServiceDefinition } from './contract.ts';
import { Fleet } from './fleet.ts';
import { type Observation, violationsOf, type World } from './model.ts';
import { overlaps, type Pause, watchPauses } from './slow-machine.ts';

export interface ChaosOptions {
  /** Decides every call and every kill. Times still differ from run to run. */
  readonly seed: number;
  readonly durationMs: number;
  readonly callsPerSecond: number;
}

export interface ChaosResult {
  readonly calls: number;
  /** Number of calls by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Number of instances that were killed; others drained. */
  readonly kills: number;
  /** A line for each rule that a call or an instance broke. */
  readonly violations: readonly string[];
}

const SERVICE = 'chaos';
const INSTANCES = 4;
/** Retries that the budget allows: a share of the calls, and so many a second besides. */
const BUDGET = { ratio: 0.2, perSecond: 10 };
/** For so long around the end of an instance, its breaker may open, in ms. */
const AFTERMATH_MS = 5000;

/** Calls a service in many ways while its instances are killed, and checks every call by the model. */
export async function runChaos({
  seed,
  durationMs,
  callsPerSecond,
}: ChaosOptions): Promise<ChaosResult> {
  const random = seededRandom(seed);
  using folder = tempFolder();
  const logFile = join(folder.path, 'runs');
  writeFileSync(logFile, '');
  const registry = await createTestRegistry();
  const fleet = new Fleet(registry.address, SERVICE, logFile, seededRandom(seed + 1));
  const mesh = createMesh({ registry: registry.address });
  const pauses: Pause[] = [];
  const stopWatching = watchPauses((each) => pauses.push(each));
  const violations: string[] = [];
  const stop = new AbortController();
  try {
    await fleet.start(INSTANCES);
    watchInstances(mesh, fleet, pauses, violations);
    const clients = clientsOf(mesh);
    await clients.plain.get({ id: JSON.stringify({ call: 'warm-up', responses: 1, code: 0 }) });
    const disturbing = fleet.disturb(stop.signal);
    const calls: Promise<Observation>[] = [];
    const startedAt = performance.now();
    for (;;) {
      const elapsedMs = performance.now() - startedAt;
      if (elapsedMs >= durationMs) break;
      while (calls.length < (elapsedMs * callsPerSecond) / 1000) {
        calls.push(perform(clients, drawCall(random, `c${calls.length}`)));
      }
      await pause(5);
    }
    stop.abort();
    const seen = await Promise.all(calls);
    await disturbing;
    const { runs, pauses: ofInstances } = fleet.readLog();
    const world = worldOf(fleet, [...pauses, ...ofInstances], seen);
    const statuses: Record<string, number> = {};
    let repeats = 0;
    for (const each of seen) {
      const call = { ...each, runs: runs.get(each.plan.script.call) ?? [] };
      statuses[call.status] = (statuses[call.status] ?? 0) + 1;
      repeats += Math.max(0, call.runs.length - 1);
      for (const found of violationsOf(call, world, (code) => Status[code] ?? '')) {
        violations.push(`${found} <- ${JSON.stringify(call)}`);
      }
    }
    const allowed = seen.length * BUDGET.ratio + (durationMs / 1000 + 10) * BUDGET.perSecond;
    if (repeats > allowed) violations.push(`${repeats} repeats of ${seen.length} calls`);
    await checkNothingInFlight(mesh, clients, violations);
    return { calls: seen.length, statuses, kills: fleet.kills.length, violations };
  } finally {
    stop.abort();
    stopWatching();
    mesh.close();
    await fleet.close();
    await registry.close();
  }
}

/** Notes when the breaker of a live instance opens, or when a live instance is taken for frozen. */
function watchInstances(mesh: Mesh, fleet: Fleet, pauses: readonly Pause[], violations: string[]) {
  const check = (instanceId: string, what: string) => {
    const at = Date.now();
    // Its end may be noted only after the event: the client sees it first.
    setTimeout(() => {
      const endedAt = fleet.ends.get(instanceId);
      const isGone = endedAt !== undefined && Math.abs(endedAt - at) < AFTERMATH_MS;
      const ofInstances = fleet.readLog().pauses;
      if (isGone || overlaps([...pauses, ...ofInstances], at - AFTERMATH_MS, at + 300)) return;
      violations.push(`${what} ${instanceId}, which was alive`);
    }, 300).unref();
  };
  mesh.events.on('breakerChanged', ({ instanceId, to }) => {
    if (to === 'open') check(instanceId, 'the breaker opened of');
  });
  mesh.events.on('instanceEjected', ({ instanceId, reason }) => {
    if (reason === 'stopped answering') check(instanceId, 'taken for frozen:');
  });
}

type Clients = ReturnType<typeof clientsOf>;

function clientsOf(mesh: Mesh) {
  const client = (policy: object) =>
    mesh.client(ChaosServiceDefinition, { service: SERVICE, policy: { methods: { get: policy } } });
  return {
    plain: client(CLIENTS.plain),
    hedged: client(CLIENTS.hedged),
    perTry: client(CLIENTS.perTry),
    once: client(CLIENTS.once),
  };
}

function metadataOf(kind: MetadataKind): Metadata {
  const metadata = Metadata();
  const count = { none: 0, some: 5, many: 200, forbidden: 0, 'too large': 400 }[kind];
  for (let i = 0; i < count; i += 1) metadata.set(`key-${i}`, 'x'.repeat(60));
  if (kind === 'forbidden') metadata.set('connection', 'keep-alive');
  return metadata;
}

/** Makes one call, and tells what was seen of it. Its handler runs are known only at the end. */
async function perform(clients: Clients, plan: CallPlan): Promise<Observation> {
  const { method, client, script, timeoutMs, cancelAfterMs } = plan;
  const startedAt = Date.now();
  const { signal, timer } = cancellation(cancelAfterMs);
  let report: Pick<CallReport, 'attempts'> = { attempts: [] };
  const responses: { instance: string; number: number }[] = [];
  const onResponse = ({ user }: { user?: { id: string; name: string } | undefined }) => {
    responses.push({ instance: user?.name ?? '', number: Number(user?.id) });
  };
  const options: MeshCallOptions & { signal: AbortSignal; metadata: Metadata } = {
    timeoutMs,
    signal,
    metadata: metadataOf(plan.metadata),
    onReport: ({ attempts }) => {
      report = { attempts };
    },
  };
  const request = { id: JSON.stringify(script) };
  let [status, details] = ['OK', ''];
  try {
    if (method === 'list') {
      for await (const response of clients[client].list(request, options)) onResponse(response);
    } else onResponse(await clients[client][method](request, options));
  } catch (error) {
    const isStatus = error instanceof ClientError;
    status = isStatus ? Status[error.code] : signal.aborted ? 'CANCELLED' : String(error);
    details = isStatus ? error.details : '';
  }
  clearTimeout(timer);
  return { plan, startedAt, endedAt: Date.now(), status, details, responses, report, runs: [] };
}

function cancellation(afterMs: number | undefined) {
  const controller = new AbortController();
  const timer = afterMs === undefined ? undefined : setTimeout(() => controller.abort(), afterMs);
  return { signal: controller.signal, timer };
}

function worldOf(fleet: Fleet, pauses: readonly Pause[], seen: readonly Observation[]): World {
  const shed = seen.filter(({ plan }) => plan.script.pushbackMs !== undefined);
  const wasSlow = (from: number, until: number) => overlaps(pauses, from, until);
  return {
    wasSlow,
    isShedding: (from, until) =>
      shed.some(({ startedAt, endedAt }) => startedAt <= until && endedAt >= from),
    endedAt: (instance) => fleet.ends.get(instance),
    hasEnded: (from, until) => [...fleet.ends.values()].some((at) => at > from && at <= until),
    isDisturbed: (from, until) =>
      wasSlow(from, until) || fleet.kills.some((at) => at > from && at <= until),
  };
}

/** With room for one call, a call passes only if the client counts none in flight. */
async function checkNothingInFlight(mesh: Mesh, clients: Clients, violations: string[]) {
  mesh.configure(SERVICE, { maxInFlight: 1 });
  const id = JSON.stringify({ call: 'last', sleepMs: 0, responses: 1, code: 0 });
  await clients.plain.get({ id }).catch((error: unknown) => {
    violations.push(`after all calls have ended: ${error}`);
  });
}
