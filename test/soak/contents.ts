import type { Instance } from '@weft/proto/registry';

/** Everything of an instance but its name, as one text: the same for the same instance. */
export function contentOf(instance: Instance): string {
  const { address, metadata, startTime, healthCheck } = instance;
  return JSON.stringify({
    id: `${instance.service}/${instance.id}`,
    address: `${address?.host}:${address?.port}`,
    type: instance.type,
    status: instance.status,
    version: instance.version,
    zone: instance.zone,
    weight: instance.weight,
    metadata: [...metadata].sort(),
    dependencies: instance.dependencies,
    startTime: startTime?.toISOString(),
    incarnation: instance.incarnation,
    lease: `${instance.leaseId}`,
    ttl: instance.ttlSeconds,
    created: `${instance.createRevision}`,
    changed: `${instance.modRevision}`,
    healthCheck: healthCheck?.service,
    health: instance.health,
  });
}

/** Contents, each held once however many saw it, and a short name for each. */
export class Contents {
  readonly #names = new Map<string, string>();
  readonly #texts: string[] = [];

  nameOf(instance: Instance): string {
    const text = contentOf(instance);
    let name = this.#names.get(text);
    if (name === undefined) {
      name = `c${this.#texts.length}`;
      this.#names.set(text, name);
      this.#texts.push(text);
    }
    return name;
  }

  /** The instance as one sees it: its name in a history, and what is in it. */
  seen(instance: Instance) {
    return {
      key: `${instance.service}/${instance.id}`,
      content: this.nameOf(instance),
      leaseId: `${instance.leaseId}`,
    };
  }

  /** All texts, by the number in their name. */
  get texts(): readonly string[] {
    return this.#texts;
  }
}
