import { seededRandom } from '../support/seeded-random.ts';
import type { Replica } from './cluster/replica.ts';
import { DrainParty } from './parties/drain-party.ts';
import { Links } from './parties/links.ts';
import { Registrar } from './parties/registrar.ts';
import { SdkFollower } from './parties/sdk-follower.ts';
import { SdkHost } from './parties/sdk-hosts.ts';
import { Watcher } from './parties/watcher.ts';
import type { Recorder } from './recorder.ts';
import { Model } from './verify/model.ts';

export interface FleetOptions {
  readonly seed: number;
  readonly registrars: number;
  readonly watchers: number;
  /** Services offered by the SDK, and asked for by it. */
  readonly sdkServices: number;
  /** Whether instances are drained while clients call them. */
  readonly hasDrains: boolean;
  /** How long a watcher's stream lasts at most, in ms. */
  readonly streamMs: number;
}

const SERVICES = ['alpha', 'beta', 'gamma', 'delta'];

/** All who use the registry in a run. Always close it. */
export class Fleet {
  readonly #recorder: Recorder;
  /** Of the registrars. */
  readonly #links: Links;
  readonly #registrars: readonly Registrar[];
  readonly #hosts: readonly SdkHost[];
  readonly #drains: readonly DrainParty[];
  readonly #watchers: readonly Watcher[];
  readonly #followers: readonly SdkFollower[];

  constructor(replicas: readonly Replica[], recorder: Recorder, options: FleetOptions) {
    const { seed, streamMs } = options;
    let party = seed * 1000;
    const next = () => {
      party += 1;
      return { replicas, recorder, random: seededRandom(party) };
    };
    const serviceOf = (index: number) => SERVICES[index % SERVICES.length] ?? 'alpha';
    const sdkService = (index: number) => `sdk-${index}`;
    const many = <T>(count: number, make: (index: number) => T): T[] =>
      Array.from({ length: count }, (_, index) => make(index));
    this.#recorder = recorder;
    const links = new Links(replicas);
    this.#links = links;
    this.#registrars = many(options.registrars, (index) => {
      const id = `i${index}`;
      const { random } = next();
      const service = serviceOf(index);
      return new Registrar({ links, recorder, random, service, id, port: 20_000 + index });
    });
    this.#hosts = many(options.sdkServices * 2, (index) => {
      const service = sdkService(index % options.sdkServices);
      return new SdkHost({ ...next(), service, id: `h${index}` });
    });
    this.#drains = many(options.hasDrains ? 1 : 0, () => new DrainParty(next()));
    this.#watchers = many(options.watchers, (index) => {
      const services = index % 2 === 0 ? undefined : [serviceOf(index), serviceOf(index + 1)];
      const name = `watcher ${index} of ${services?.join(' and ') ?? 'all'}`;
      const freshShare = index % 4 === 3 ? 1 : 0.05;
      return new Watcher({ ...next(), name, services, streamMs, freshShare });
    });
    this.#followers = [
      ...many(
        options.sdkServices,
        (index) => new SdkFollower(sdkService(index), replicas, recorder),
      ),
      new SdkFollower(serviceOf(0), replicas, recorder),
    ];
  }

  /** Who is here now stays, and who is not comes back: nothing changes any more but for that. */
  calm(): void {
    for (const party of [...this.#registrars, ...this.#hosts, ...this.#drains]) party.calm();
  }

  /** Who sees another set than those who are there; none when all agree. */
  disagreements(): string[] {
    const { changes } = this.#recorder;
    const found: string[] = [];
    const compare = (who: string, held: Map<string, string>, services?: readonly string[]) => {
      const model = new Model(changes, services);
      model.to(Number.POSITIVE_INFINITY);
      const wrong = model.differences(held);
      if (wrong.length > 0) found.push(`${who}: ${wrong.slice(0, 3).join(', ')}`);
    };
    const model = new Model(changes);
    model.to(Number.POSITIVE_INFINITY);
    const expected = new Set([...this.#registrars, ...this.#hosts].map(({ key }) => key));
    for (const key of model.held.keys()) {
      if (!expected.has(key)) found.push(`etcd lists ${key}, which nobody is`);
    }
    for (const key of expected) {
      const held = model.held.get(key);
      if (held === undefined || held.isDoubtful)
        found.push(`${key} is there and not listed in etcd`);
    }
    for (const { key, leaseId } of this.#registrars) {
      const listed = model.held.get(key)?.leaseId;
      if (listed !== leaseId) found.push(`${key} has lease ${leaseId}, etcd lists ${listed}`);
    }
    for (const { held, history } of this.#watchers) compare(history.name, held, history.services);
    for (const { held, history } of this.#followers) {
      compare(history.name, held, [history.service]);
    }
    return found;
  }

  async close(): Promise<void> {
    const parties = [
      ...[...this.#registrars, ...this.#watchers],
      ...[...this.#followers, ...this.#hosts, ...this.#drains],
    ];
    await Promise.all(parties.map((party) => party.close()));
    this.#links.close();
  }
}
