import type { StoredInstance } from './stored-instance.ts';

/** Parts of which each kind is remembered; more, and it begins anew: what never comes again is let go. */
const LIMIT = 20_000;

/** Holds each of the things that come again and again once. */
class Shared<T> {
  readonly #things = new Map<string, T>();

  /** The thing of a key, as it was first seen. */
  one(key: string, thing: T): T {
    const known = this.#things.get(key);
    if (known !== undefined) return known;
    if (this.#things.size >= LIMIT) this.#things.clear();
    this.#things.set(key, thing);
    return thing;
  }
}

/**
 * Lets instances share what they have in common: names, hosts, labels. Of a hundred thousand, most of
 * it; what is stored of an instance never changes in place.
 */
export class InstancePool {
  readonly #texts = new Shared<string>();
  readonly #labels = new Shared<StoredInstance['metadata']>();
  readonly #names = new Shared<StoredInstance['dependencies']>();

  /** The same instance. */
  slim(instance: StoredInstance): StoredInstance {
    const { service, address, version, zone, metadata, dependencies, createRevision } = instance;
    const { modRevision } = instance;
    return {
      ...instance,
      service: this.#text(service),
      address: { host: this.#text(address.host), port: address.port },
      version: this.#text(version),
      zone: this.#text(zone),
      metadata: this.#labels.one(JSON.stringify([...metadata]), metadata),
      dependencies: this.#names.one(dependencies.join(), dependencies),
      createRevision: createRevision === modRevision ? modRevision : createRevision,
    };
  }

  #text(text: string): string {
    return this.#texts.one(text, text);
  }
}
