import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;

function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
}

/**
 * Collects garbage until few objects are left, at most ten times.
 * @returns how many of the objects something still refers to
 */
export async function objectsLeft(objects: readonly WeakRef<object>[]): Promise<number> {
  let left = objects.length;
  for (let round = 0; round < 10 && left > 0; round += 1) {
    await setImmediate();
    collectGarbage();
    left = objects.filter((object) => object.deref() !== undefined).length;
  }
  return left;
}
