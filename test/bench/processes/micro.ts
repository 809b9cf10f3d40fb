import { answerCommands } from '../harness/commands.ts';
import { breaker, core, nothing } from '../micro/calls.ts';
import { answered, discover } from '../micro/discover.ts';
import { memory } from '../micro/memory.ts';
import { pick } from '../micro/pick.ts';
import { update } from '../micro/update.ts';

answerCommands({ nothing, core, breaker, discover, answered, pick, update, memory });
