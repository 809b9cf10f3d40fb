import type { Bench } from '../harness/bench.ts';
import { amplification } from './amplification.ts';
import { breaker } from './breaker.ts';
import { call } from './call.ts';
import { cli } from './cli.ts';
import { failover } from './failover.ts';
import { keepalive } from './keepalive.ts';
import { memory } from './memory.ts';
import { outage } from './outage.ts';
import { overhead } from './overhead.ts';
import { pick } from './pick.ts';
import { propagate } from './propagate.ts';
import { read } from './read.ts';
import { register } from './register.ts';
import { scale } from './scale.ts';
import { tail } from './tail.ts';
import { update } from './update.ts';

/** Every bench, in the order they run. */
export const benches: readonly Bench[] = [
  call,
  overhead,
  pick,
  update,
  tail,
  failover,
  outage,
  breaker,
  amplification,
  memory,
  register,
  keepalive,
  propagate,
  read,
  scale,
  cli,
];
