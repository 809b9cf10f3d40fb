import { Instance } from '@weft/proto/registry';

const instances = new WeakMap<Instance, Uint8Array>();

/** The bytes of a stored instance, made once for all answers it is in: stored instances never change. */
export function encodedInstance(instance: Instance): Uint8Array {
  const known = instances.get(instance);
  if (known !== undefined) return known;
  const bytes = Instance.encode(instance).finish();
  instances.set(instance, bytes);
  return bytes;
}
