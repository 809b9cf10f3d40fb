import { Etcd3 } from 'etcd3';
import { openDirectory } from '../../support/discovery.ts';
import { answerCommands } from '../harness/commands.ts';
import { sharedNow } from '../harness/open-loop.ts';

const OPENED_AT_ONCE = 50;

/** Who is to watch for what. */
export interface Watching {
  /** `sdk`: what a mesh follows a service with. `etcd`: etcd3's watcher of a prefix. */
  readonly kind: 'sdk' | 'etcd';
  /** Of the registry, or of etcd. */
  readonly address: string;
  /** Service, or prefix of keys. */
  readonly of: string;
  /** Watchers, each with a client of its own. */
  readonly count: number;
  /** They follow `<of>-0`, `<of>-1`, ... in turn, so many. Default: all follow `of`. */
  readonly services?: number;
}

/** Watchers to be waited for, of what is registered (`+id`) or gone (`-id`). */
export interface Awaited {
  readonly what: string;
  readonly count: number;
}

/** When each watcher saw a thing, by what it was. */
const seen = new Map<string, number[]>();
const waiting = new Map<string, { count: number; resolve(times: number[]): void }>();

function saw(what: string): void {
  const times = seen.get(what) ?? [];
  seen.set(what, times);
  times.push(sharedNow());
  settle(what);
}

function settle(what: string): void {
  const wait = waiting.get(what);
  const times = seen.get(what) ?? [];
  if (wait === undefined || times.length < wait.count) return;
  waiting.delete(what);
  seen.delete(what);
  wait.resolve(times);
}

async function watchRegistry(address: string, service: string): Promise<void> {
  const { directory } = openDirectory(address);
  await directory.discover(service);
  directory.follow(service, {
    instancesChanged({ put, removed }) {
      for (const { id } of put) saw(`+${id}`);
      for (const { id } of removed) saw(`-${id}`);
    },
    discoveryFailed(error) {
      throw error;
    },
  });
}

async function watchEtcd(address: string, prefix: string): Promise<void> {
  // A connection of its own, as each mesh has.
  const grpcOptions = { 'grpc.use_local_subchannel_pool': 1 };
  const watcher = await new Etcd3({ hosts: address, grpcOptions }).watch().prefix(prefix).create();
  const idOf = ({ key }: { key: Buffer }) => key.toString().slice(prefix.length);
  watcher.on('put', (kv) => saw(`+${idOf(kv)}`));
  watcher.on('delete', (kv) => saw(`-${idOf(kv)}`));
}

answerCommands({
  async open({ kind, address, of, count, services }: Watching) {
    const watch = kind === 'sdk' ? watchRegistry : watchEtcd;
    const name = (index: number) => (services === undefined ? of : `${of}-${index % services}`);
    for (let opened = 0; opened < count; opened += OPENED_AT_ONCE) {
      const length = Math.min(OPENED_AT_ONCE, count - opened);
      await Promise.all(Array.from({ length }, (_, index) => watch(address, name(index))));
    }
  },
  /** CPU time of this process so far, in us. */
  cpu() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  /** When so many watchers saw something, on the shared clock. */
  seen({ what, count }: Awaited): Promise<number[]> {
    const { promise, resolve } = Promise.withResolvers<number[]>();
    waiting.set(what, { count, resolve });
    settle(what);
    return promise;
  },
});
