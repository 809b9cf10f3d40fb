import { expect } from '@jest/globals';
import type { Registry } from '@weft/registry';
import { createTestEtcd, type TestEtcd } from './etcd.ts';
import { createRegistryClient, createTestRegistry } from './registry.ts';
import { type Failure, failureOf } from './services.ts';

type Connection = ReturnType<typeof createRegistryClient>;
export type Registration = Parameters<Connection['client']['register']>[0];

const KEYS = '/weft/v1/services/';

/** A registry on an etcd of its own that holds one instance, `seed/a`. Always close it. */
export class InputStage {
  readonly etcd: TestEtcd;
  readonly registry: Registry;
  readonly #connection: Connection;

  private constructor(etcd: TestEtcd, registry: Registry) {
    this.etcd = etcd;
    this.registry = registry;
    this.#connection = createRegistryClient(registry.address);
  }

  static async start(): Promise<InputStage> {
    const etcd = await createTestEtcd();
    const stage = new InputStage(etcd, await createTestRegistry({ etcd: etcd.endpoint }));
    await stage.client.register(valid({ service: 'seed' }));
    return stage;
  }

  get client(): Connection['client'] {
    return this.#connection.client;
  }

  /** What etcd holds below the registry's prefix: each value and the revision that wrote it, by key. */
  async stored(): Promise<Record<string, { value: string; revision: string }>> {
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const response = await fetch(`http://${this.etcd.endpoint}/v3/kv/range`, {
      method: 'POST',
      body: JSON.stringify({ key: base64(KEYS), range_end: base64(KEYS.replace(/.$/, '0')) }),
    });
    const answer = (await response.json()) as {
      kvs?: { key: string; value: string; mod_revision: string }[];
    };
    const text = (encoded: string) => Buffer.from(encoded, 'base64').toString();
    return Object.fromEntries(
      (answer.kvs ?? []).map(({ key, value, mod_revision }) => [
        text(key).slice(KEYS.length),
        { value: text(value), revision: mod_revision },
      ]),
    );
  }

  /** Makes calls that must fail just so, write nothing and leave the registry answering. */
  async refuses(failure: Failure, ...calls: (() => Promise<unknown>)[]): Promise<void> {
    const before = await this.#standing();
    expect(Object.keys(before.stored)).toContain('seed/a');
    for (const call of calls) expect(await failureOf(call())).toEqual(failure);
    expect(await this.#standing()).toEqual(before);
  }

  async close(): Promise<void> {
    this.#connection.close();
    await this.registry.close();
    await this.etcd.close();
  }

  async #standing() {
    const { instances, revision } = await this.client.listInstances({ pageSize: 1000 });
    return { instances, revision, stored: await this.stored() };
  }
}

/** A registration that is taken, but for what `instance` changes. */
export function valid(instance: Registration['instance'] = {}): Registration {
  const address = { host: '127.0.0.1', port: 5000 };
  return { instance: { service: 'shop', id: 'a', address, ...instance }, ttlSeconds: 3600 };
}
