import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTestEtcd, type TestEtcd } from '../../support/etcd.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { Replica } from './replica.ts';

export interface ClusterOptions {
  /** For each replica its program and flags. */
  readonly commands: readonly (readonly string[])[];
  /** Told when a replica ended by itself. */
  readonly onDeath: (replica: number, lastWords: string) => void;
}

/** A real etcd and the registry's replicas over it. Always close it. */
export class Cluster {
  readonly etcd: TestEtcd;
  readonly replicas: readonly Replica[];
  readonly #folder: string;
  readonly #cleanup: AsyncDisposableStack;

  private constructor(
    etcd: TestEtcd,
    replicas: Replica[],
    folder: string,
    cleanup: AsyncDisposableStack,
  ) {
    this.etcd = etcd;
    this.replicas = replicas;
    this.#folder = folder;
    this.#cleanup = cleanup;
  }

  /** Resolves once every replica serves. */
  static async start({ commands, onDeath }: ClusterOptions): Promise<Cluster> {
    await using cleanup = new AsyncDisposableStack();
    const folder = cleanup.adopt(tempFolder('weft-soak-'), (held) => held[Symbol.dispose]());
    const etcd = await createTestEtcd();
    cleanup.defer(() => etcd.close());
    const replicas = await Promise.all(
      commands.map(async (command, index) => {
        const replica = await Replica.start({
          index,
          command,
          etcd: etcd.endpoint,
          folder: folder.path,
          onDeath: (lastWords) => onDeath(index, lastWords),
        });
        cleanup.defer(() => replica.close());
        return replica;
      }),
    );
    await Promise.all(replicas.map((replica) => replica.ready()));
    return new Cluster(etcd, replicas, folder.path, cleanup.move());
  }

  /** What the replicas logged, file by file: one for each start. */
  logs(): { readonly file: string; readonly text: string }[] {
    const files = readdirSync(this.#folder).sort();
    return files.map((file) => ({ file, text: readFileSync(join(this.#folder, file), 'utf8') }));
  }

  close(): Promise<void> {
    return this.#cleanup.disposeAsync();
  }
}
