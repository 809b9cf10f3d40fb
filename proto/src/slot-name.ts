import type { Instance } from '../gen/weft/registry/v1/instance.ts';

/**
 * Key of the instance metadata that names the slot of an instance, such as `user-service-1`. A slot is the place of
 * an instance that a supervisor keeps filled: the next instance in it has another id and the same slot.
 */
export const SLOT_KEY = 'weft.slot';

/**
 * The name that placement by hash goes by: the slot, so that a restart moves no keys, or the id of an instance that
 * names no slot.
 */
export function slotNameOf({ id, metadata }: Pick<Instance, 'id' | 'metadata'>): string {
  return metadata.get(SLOT_KEY) || id;
}
