import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { silentLog } from '@weft/proto';
import { InstanceStatus } from '@weft/proto/registry';
import { createRegistry, EtcdStore, type Registry } from '@weft/registry';
import { RegistryConnection } from '../../client-sdk/src/discovery/registry-connection.ts';
import { lastCallersLeft } from '../../client-sdk/src/registration/last-callers.ts';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { RegistryStage } from '../support/registry-stage.ts';
import { createTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { type EchoClient, usersOf } from '../support/test-mesh.ts';
import { describeWith } from '../support/tools.ts';

const CLIENTS = 20;
/** Between two calls of a client. */
const CALL_MS = 250;
/** Rounds of each kind; more by hand: `DRAIN_ROUNDS=10`. */
const ROUNDS = Number(process.env.DRAIN_ROUNDS ?? 1);
/** A client that has lost its registry routed by what it knew for up to 2.3 s. */
const LATE_MS = 2500;

type Trouble = 'restart' | 'cut';

/**
 * Two replicas on one etcd, and 20 clients that call all the time. Half of them know only the first replica, through
 * a proxy; so all of these lose their registry at once.
 */
class Stage extends RegistryStage {
  readonly #etcd: TestEtcd;
  readonly #service: string;
  /** When the last call was sent that an instance answered, by the id of the instance. */
  readonly #lastSentAt = new Map<string, number>();
  #first!: Registry;
  #second!: Registry;
  #proxy!: TcpProxy;

  constructor(etcd: TestEtcd, service: string) {
    super();
    this.#etcd = etcd;
    this.#service = service;
  }

  async start(): Promise<void> {
    this.#first = await this.#replica(0);
    this.#second = this.use(await this.#replica(0));
    this.defer(() => this.#first.close());
    this.#proxy = this.use(await createTcpProxy(this.#first.address));
    await this.serve(this.#second.address, 'stays', { service: this.#service, ttlSeconds: 30 });
    for (let client = 0; client < CLIENTS; client += 1) {
      const both = [this.#proxy.address, this.#second.address];
      const users = usersOf(this.mesh(client % 2 ? both : this.#proxy.address), this.#service);
      const timer = setInterval(() => this.#call(users), CALL_MS);
      this.defer(() => clearInterval(timer));
    }
  }

  #call(users: EchoClient): void {
    const sentAt = performance.now();
    const answered = (name = '') => {
      this.#lastSentAt.set(name, Math.max(sentAt, this.#lastSentAt.get(name) ?? 0));
    };
    users
      .getUser({ id: '1' })
      .then(({ user }) => answered(user?.name))
      .catch(() => {});
  }

  async #replica(port: number): Promise<Registry> {
    // The replicas of the other stage are none of its replicas: one that leaves there causes no doubt here.
    const prefix = `/${this.#service}`;
    const store = new EtcdStore({ endpoints: [this.#etcd.endpoint], prefix });
    const registry = await createRegistry({ port, store });
    await store.catalog.completed;
    return registry;
  }

  async #lose(trouble: Trouble): Promise<void> {
    if (trouble === 'cut') {
      this.#proxy.cut();
      await sleep(300);
      this.#proxy.restore();
      return;
    }
    const port = Number(this.#first.address.split(':')[1]);
    await this.#first.close(0);
    this.#first = await this.#replica(port);
  }

  /** Drains an instance while half of the clients have lost their registry. */
  async drain(round: number, trouble: Trouble) {
    const id = `leaves-${round}`;
    const service = this.#service;
    const servedAt = performance.now();
    const echo = await this.serve(this.#second.address, id, { service, ttlSeconds: 30 });
    await eventually(() => expect(echo.calls).toBeGreaterThan(CLIENTS), { withinMs: 40_000 });
    const registry = this.use(new RegistryConnection([this.#second.address], Math.random));
    const lost = this.#lose(trouble);
    // The registry has noticed it by then.
    await sleep(50);
    const status = InstanceStatus.INSTANCE_STATUS_STOPPING;
    const leave = () => registry.replica.client.updateInstance({ service, id, status });
    const { revision } = await eventually(leave, { withinMs: 20_000, everyMs: 200 });
    const startedAt = performance.now();
    const listedMs = () => performance.now() - servedAt;
    const options = { registry, service, revision, listedMs, withinMs: 30_000, log: silentLog };
    // A registry that says nothing for 3 s is given up as one that cannot say; here it is asked again.
    await eventually(async () => expect(await lastCallersLeft(options)).toBe(true), {
      withinMs: 40_000,
    });
    const drainMs = Math.round(performance.now() - startedAt);
    const endedAt = performance.now();
    await Promise.all([lost, sleep(LATE_MS)]);
    const lateMs = Math.round((this.#lastSentAt.get(id) ?? 0) - endedAt);
    await echo.host.close();
    return { trouble, drainMs, lateMs };
  }
}

describeWith(['etcd', 'etcdctl'], 'a drain while clients have lost their registry', () => {
  let etcd: TestEtcd;
  beforeAll(async () => {
    etcd = await createTestEtcd();
  });
  afterAll(() => etcd.close());

  it(
    'R2: ends only when no client routes to the instance, with 20 clients and two replicas',
    async () => {
      const run = async (trouble: Trouble) => {
        await using stage = new Stage(etcd, trouble);
        await stage.start();
        const rounds = [];
        for (let round = 0; round < ROUNDS; round += 1) {
          const result = await stage.drain(round, trouble);
          if (ROUNDS > 1) process.stderr.write(`drain-restart: ${JSON.stringify(result)}\n`);
          rounds.push(result);
        }
        return rounds;
      };
      // Both are over before one that failed ends the test.
      const runs = await Promise.allSettled([run('restart'), run('cut')]);
      const late = runs.map((result) => {
        if (result.status === 'rejected') throw result.reason;
        return result.value.filter(({ lateMs }) => lateMs > 0);
      });
      expect(late.flat()).toEqual([]);
    },
    60_000 * ROUNDS,
  );
});
