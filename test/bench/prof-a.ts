import type { Profiler } from 'node:inspector/promises';
import { EtcdStage } from './harness/etcd-stage.ts';
import { functionTimes, groupTimes } from './harness/profile.ts';

const what = process.argv[2];
await EtcdStage.use(async (stage) => {
  const client = await stage.client('registry');
  const raw = await stage.client('etcd');
  const { worker } = await stage.registry();
  let n = 0;
  const count = 1500;
  const run = async (c = client) => {
    if (what === 'many') {
      await c.ask('register', { first: n, count, atOnce: 2, perCall: 250 });
      n += count;
      return count;
    }
    if (what === 'one') {
      await c.ask('register', { first: n, count, atOnce: 50, perCall: 1 });
      n += count;
      return count;
    }
    const perMessage = what === 'ka1' ? 1 : 100;
    return (
      (await c.ask<number>('renew', { leaseIds, perMessage, atOnce: 500 / perMessage, ms: 3000 })) *
      3
    );
  };
  const leaseIds = await client.ask<bigint[]>('leases', 2000);
  for (let i = 0; i < 2; i++) {
    await run();
    if (!what?.startsWith('ka')) await run(raw);
  }
  const rep = async (name: string, w: typeof worker, c: typeof client) => {
    await w.ask('startProfile');
    const t = performance.now();
    const calls = await run(c);
    const el = performance.now() - t;
    const f = functionTimes(await w.ask<Profiler.Profile>('stopProfile'));
    const tot = f.reduce((s, { selfUs }) => s + selfUs, 0);
    console.log(
      name,
      'wall us/call',
      ((el * 1000) / calls).toFixed(1),
      'cpu us/call',
      (tot / calls).toFixed(1),
      groupTimes(f)
        .slice(0, 12)
        .map(([g, us]) => `${g} ${(us / calls).toFixed(1)}`)
        .join(', '),
    );
    if (name === 'registry')
      for (const x of f.slice(0, 40))
        console.log('  ', (x.selfUs / calls).toFixed(2), x.group, x.name);
  };
  await rep('registry', worker, client);
  await rep('client', client, client);
  await rep('raw', raw, raw);
});
process.exit(0);
