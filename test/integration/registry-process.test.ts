import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { createRegistryClient, createTestRegistry } from '../support/registry.ts';
import { type RegistryProcess, startRegistry } from '../support/registry-process.ts';
import { failureOf } from '../support/services.ts';
import { WatchRecorder } from '../support/watch-recorder.ts';

describe('the registry command', () => {
  const runs: RegistryProcess[] = [];

  function run(...flags: string[]): RegistryProcess {
    const started = startRegistry({ flags });
    runs.push(started);
    return started;
  }

  afterEach(async () => {
    await Promise.all(runs.splice(0).map((each) => each.end()));
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'says when it is ready, and stops in order on %s, also when it comes twice within a second',
    async (signal) => {
      const { child, output, exited, ready } = run('--port', '0', '--store', 'auto');
      const address = await ready();
      expect(output.out).toBe(`registry ready on ${address}, instances kept in memory\n`);
      const { client, close } = createRegistryClient(address);
      const watch = new WatchRecorder(client);
      await eventually(() => expect(watch.messages).toHaveLength(1));
      const keepAlive = client.keepAlive(
        (async function* () {
          yield { leaseIds: [1n] };
          await watch.ended;
        })(),
      );
      for await (const { leases } of keepAlive) {
        expect(leases).toEqual([{ leaseId: 1n, ttlSeconds: 0 }]);
        child.kill(signal);
        setTimeout(() => child.kill(signal), 3);
      }
      await watch.ended;
      expect(await exited).toBe(0);
      close();
    },
  );

  it.each([
    ['a port that is none', ['--port', '70000'], /--port.*0 to 65535/],
    ['an unknown store', ['--store', 'files'], /--store.*etcd, memory, auto/],
    ['an endpoint that is none', ['--etcd', 'nowhere'], /'nowhere' is not host:port/],
    ['an advertised address that is none', ['--advertise', 'here'], /'here' is not host:port/],
    ['an unknown option', ['--verbose'], /unknown option '--verbose'/],
  ])('refuses %s', async (_, flags, message) => {
    const { output, exited } = run(...flags);
    expect(await exited).toBe(1);
    expect(output.err).toMatch(message);
    expect(output.out).toBe('');
  });

  it('says so when its port is taken', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as { port: number };
    const { output, exited } = run('--port', `${port}`);
    expect(await exited).toBe(1);
    expect(output.err).toMatch(new RegExp(`cannot listen on 127.0.0.1:${port}.*port taken`));
    await new Promise((resolve) => holder.close(resolve));
  });
});

describe('a watcher that does not read', () => {
  it('F38: is cut off with RESOURCE_EXHAUSTED, harms no one, and comes back where it was', async () => {
    const registry = await createTestRegistry({ watch: { maxPending: 20 } });
    const { client, close } = createRegistryClient(registry.address);
    const other = createRegistryClient(registry.address);
    const reader = new WatchRecorder(other.client);
    const slow = client.watch({})[Symbol.asyncIterator]();
    await slow.next();
    const instance = { service: 'user', id: 'a', address: { host: '127.0.0.1', port: 1 } };
    await other.client.register({ instance });
    const metadata = new Map(
      Array.from({ length: 16 }, (_, index) => [`k${index}`, 'x'.repeat(4000)]),
    );
    for (let round = 1; round <= 100; round += 1) {
      const change = { service: 'user', id: 'a', weight: round, metadata: { metadata } };
      await other.client.updateInstance(change);
    }
    await eventually(() => expect(reader.held.get('user/a')?.weight).toBe(100));
    let fromRevision = 0n;
    const cut = (async () => {
      for (let next = await slow.next(); !next.done; next = await slow.next()) {
        fromRevision = next.value.events?.revision ?? fromRevision;
      }
    })();
    expect(await failureOf(cut)).toEqual({ code: 'RESOURCE_EXHAUSTED', reason: 'WATCH_TOO_SLOW' });
    const again = new WatchRecorder(other.client, { fromRevision });
    await eventually(() => expect(again.held.get('user/a')?.weight).toBe(100));
    await again.stop();
    await reader.stop();
    close();
    other.close();
    await registry.close();
  });
});

describe('watches of one connection', () => {
  it('B21: are a thousand at most; those go on when more are refused', async () => {
    const registry = await createTestRegistry();
    const { client, close } = createRegistryClient(registry.address);
    const watches = Array.from({ length: 1100 }, () => new WatchRecorder(client));
    const refused: unknown[] = [];
    for (const watch of watches) {
      void watch.ended.then((error) => error && refused.push(error));
    }
    const withinMs = 20_000;
    await eventually(
      () => {
        expect(refused).toHaveLength(100);
        expect(watches.filter(({ messages }) => messages.length > 0)).toHaveLength(1000);
      },
      { withinMs },
    );
    const [error] = refused;
    const reason = 'TOO_MANY_WATCHES';
    expect(await failureOf(Promise.reject(error))).toEqual({ code: 'RESOURCE_EXHAUSTED', reason });
    const instance = { service: 'user', id: 'a', address: { host: '127.0.0.1', port: 1 } };
    await client.register({ instance, skipCallback: true });
    const told = () => watches.filter(({ held }) => held.has('user/a'));
    await eventually(() => expect(told()).toHaveLength(1000), { withinMs });
    await Promise.all(watches.map((watch) => watch.stop()));
    close();
    await registry.close();
  }, 60_000);
});
