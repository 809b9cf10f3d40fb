import type { Log } from '@weft/proto';
import { type Instance, InstanceStatus } from '@weft/proto/registry';
import type { RegistryConnection } from '../discovery/registry-connection.ts';
import { leaveCalls } from '../registration/leave-calls.ts';
import { Registrar } from '../registration/registrar.ts';
import type { RegisterConfig } from './register-options.ts';

/**
 * The registration of a program that listens by itself, in this process or another one: it is renewed until
 * it is closed. The caller watches over the program, and says when it cannot serve.
 */
export class Registration {
  readonly #config: RegisterConfig;
  readonly #registry: RegistryConnection;
  readonly #log: Log;
  readonly #registrar: Registrar;
  #leaving: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(config: RegisterConfig, registry: RegistryConnection, log: Log) {
    const { instance, ttlSeconds, isGrpc } = config;
    this.#config = config;
    this.#registry = registry;
    this.#log = log;
    this.#registrar = new Registrar({
      instance,
      ttlSeconds,
      skipCallback: !isGrpc,
      registry,
      log,
      random: Math.random,
    });
    this.#registrar.start();
  }

  /** As the registry lists it. */
  get instance(): Instance {
    return this.#registrar.instance;
  }

  /** Whether the registry lists it now, as far as is known here. */
  get isRegistered(): boolean {
    return this.#registrar.isRegistered;
  }

  /**
   * Resolves once the registry has listed it. Rejects if it is closed before, if the registry refuses it, or
   * with WeftError INSTANCE_EXISTS if another instance holds its id for two TTLs, 30 s at most. Registering
   * goes on all the same.
   */
  registered(): Promise<Instance> {
    return this.#registrar.registered();
  }

  /**
   * Says whether the program can serve: if not, it is listed as ERROR and gets no calls. Once it has begun to
   * leave, that changes nothing.
   */
  async setServing(isServing: boolean): Promise<void> {
    const { INSTANCE_STATUS_RUNNING, INSTANCE_STATUS_ERROR } = InstanceStatus;
    const status = isServing ? INSTANCE_STATUS_RUNNING : INSTANCE_STATUS_ERROR;
    if (this.#leaving !== undefined || this.instance.status === status) return;
    await this.#registrar.setStatus(status);
  }

  /**
   * Takes the program out of the calls: it is listed as STOPPING, and every client has acknowledged that when
   * this resolves, or `acknowledgeMs` is over. Calls in flight may go on; end the program afterwards. Idempotent.
   * @param acknowledgeMs In place of the one that `mesh.register` was given.
   */
  leave(acknowledgeMs = this.#config.acknowledgeMs): Promise<void> {
    this.#leaving ??= leaveCalls({
      registrar: this.#registrar,
      registry: this.#registry,
      acknowledgeMs,
      settleMs: this.#config.settleMs,
      log: this.#log,
    });
    return this.#leaving;
  }

  /** Deregisters the program, which has ended. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#registrar.close();
    return this.#closing;
  }
}
