import { InstanceType } from '../gen/weft/registry/v1/instance.ts';

/** Whether an instance of this type need not speak gRPC. */
export function isPlainTcp(type: InstanceType): boolean {
  const plain: readonly InstanceType[] = [
    InstanceType.INSTANCE_TYPE_DATABASE,
    InstanceType.INSTANCE_TYPE_CACHE,
    InstanceType.INSTANCE_TYPE_MESSAGE_QUEUE,
  ];
  return plain.includes(type);
}
