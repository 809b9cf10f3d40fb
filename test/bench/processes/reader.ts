import { RegistryServiceDefinition } from '@weft/proto/registry';
import { Etcd3 } from 'etcd3';
import { createChannel, createClient } from 'nice-grpc';
import { answerCommands } from '../harness/commands.ts';

/** Whom to read from: a service of a registry, or a prefix of keys in etcd. */
export interface Reading {
  readonly kind: 'registry' | 'etcd';
  readonly address: string;
  readonly of: string;
}

let read: (() => Promise<number>) | undefined;

function reader({ kind, address, of }: Reading): () => Promise<number> {
  if (kind === 'registry') {
    const client = createClient(RegistryServiceDefinition, createChannel(address));
    return async () => (await client.getService({ service: of })).instances.length;
  }
  const etcd = new Etcd3({ hosts: address });
  return async () => {
    const found = await etcd.getAll().prefix(of).strings();
    return Object.values(found).map((text) => JSON.parse(text)).length;
  };
}

answerCommands({
  open(reading: Reading) {
    read = reader(reading);
  },
  /** Reads one time after the other for `ms`. Answers how long one took, in us. */
  async run(ms: number): Promise<{ us: number; reads: number }> {
    if (read === undefined) throw new Error('nothing is open');
    const start = performance.now();
    const end = start + ms;
    let reads = 0;
    for (; performance.now() < end; reads += 1) {
      const count = await read();
      if (count !== 10) throw new Error(`${count} instances were read, not 10`);
    }
    return { us: ((performance.now() - start) * 1000) / reads, reads };
  },
});
