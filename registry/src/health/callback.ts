import { addressText, failedPrecondition, isPlainTcp, unavailable } from '@weft/proto';
import { InstanceStatus } from '@weft/proto/registry';
import { ClientError, Status } from 'nice-grpc';
import type { Catalog } from '../store/catalog.ts';
import type { InstanceDescription } from '../store/stored-instance.ts';
import { failureText, knockAt, type Look, lookAt, openPeer, type Peer } from './peer.ts';
import { Turns } from './turns.ts';

export interface CallbackOptions {
  /** What is listed, which need not be called back again. */
  catalog: Catalog;
  /** How long a called back instance has to answer, its turn included. Default 2000. */
  timeoutMs?: number;
  /** Callbacks at once. Default 64. */
  limit?: number;
}

/** How a server says that it does not tell everybody who it is. */
const UNTOLD: readonly Status[] = [
  Status.UNIMPLEMENTED,
  Status.UNAUTHENTICATED,
  Status.PERMISSION_DENIED,
];

function problemOf(look: Look): string | undefined {
  return look.finding === 'serving' ? undefined : look.problem;
}

/** Who answers, if it tells and is not who is to be listed. */
async function identityProblem(
  { identity }: Peer,
  { service, id }: InstanceDescription,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<string | undefined> {
  try {
    const answer = await identity.identify({}, { signal });
    if (answer.service === service && answer.instanceId === id) return undefined;
    return `is somebody else: ${answer.service}/${answer.instanceId}`;
  } catch (error) {
    if (error instanceof ClientError && UNTOLD.includes(error.code)) return undefined;
    return failureText(error, signal, timeoutMs);
  }
}

/** Calls instances back at their advertised address before they are listed. Keeps no connection. */
export class Callback {
  readonly #catalog: Catalog;
  readonly #timeoutMs: number;
  readonly #turns: Turns;

  constructor({ catalog, timeoutMs = 2000, limit = 64 }: CallbackOptions) {
    this.#catalog = catalog;
    this.#timeoutMs = timeoutMs;
    this.#turns = new Turns(limit);
  }

  /**
   * Makes sure that an instance about to take calls answers where it says, as the one it says it is.
   * One that is listed so already is not called.
   * @throws FAILED_PRECONDITION saying what became of the call; UNAVAILABLE when too many are under way
   */
  async check(description: InstanceDescription): Promise<void> {
    if (!this.#isNews(description)) return;
    const { service, id, address } = description;
    const problem = await this.#problem(description);
    if (problem === undefined) return;
    const where = addressText(address);
    throw failedPrecondition(
      `${service}/${id} is not listed: called back, ${where} ${problem}; check the advertised host ` +
        'and port, register once it listens and serves, or set skip_callback',
      { reason: 'CALLBACK_FAILED', metadata: { address: where, problem } },
    );
  }

  #isNews({ service, id, status, incarnation, address }: InstanceDescription): boolean {
    if (status !== InstanceStatus.INSTANCE_STATUS_RUNNING) return false;
    const listed = this.#catalog.get(service, id);
    return (
      listed === undefined ||
      listed.status === InstanceStatus.INSTANCE_STATUS_STARTING ||
      listed.incarnation !== incarnation ||
      addressText(listed.address) !== addressText(address)
    );
  }

  async #problem(description: InstanceDescription): Promise<string | undefined> {
    const timeoutMs = this.#timeoutMs;
    const signal = AbortSignal.timeout(timeoutMs);
    if (!(await this.#turns.take(signal))) {
      throw unavailable(
        'too many instances are being called back; try again, or another registry',
        {
          reason: 'CALLBACK_BUSY',
        },
      );
    }
    try {
      const { address, type, healthCheck } = description;
      if (isPlainTcp(type)) return problemOf(await knockAt(address, signal, timeoutMs));
      using peer = openPeer(address, { keepAliveMs: timeoutMs, timeoutMs });
      return (
        (await identityProblem(peer, description, signal, timeoutMs)) ??
        problemOf(await lookAt(peer, healthCheck?.service ?? '', signal, timeoutMs))
      );
    } finally {
      this.#turns.give();
    }
  }
}
