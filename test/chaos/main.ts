import { parseArgs } from 'node:util';
import { runChaos } from './chaos.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: `${Math.floor(Math.random() * 1e6)}` },
    seconds: { type: 'string', default: '600' },
    rate: { type: 'string', default: '60' },
  },
});
const options = {
  seed: Number(values.seed),
  durationMs: Number(values.seconds) * 1000,
  callsPerSecond: Number(values.rate),
};
console.log(`chaos with seed ${options.seed} for ${values.seconds} s`);
const { calls, statuses, kills, violations } = await runChaos(options);
console.log(`${calls} calls, ${kills} instances killed`, statuses);
for (const violation of violations) console.log(violation);
console.log(`${violations.length} violations`);
process.exit(violations.length === 0 ? 0 : 1);
