import { weftDescriptorSet } from '../gen/descriptor-set.ts';
import { descriptorRegistry } from './descriptor-registry.ts';

/** A gRPC service as a contract describes it. */
export interface DescribedService {
  /** `user.v1.UserService` */
  readonly name: string;
  /** Names of its methods, in the order of the contract. */
  readonly methods: readonly string[];
}

/**
 * The gRPC services that compiled contracts describe, by name.
 * @param descriptorSets each a google.protobuf.FileDescriptorSet; default: the contracts of this package
 * @throws Error when one is none, or lacks a file that another imports
 */
export function describedServices(
  descriptorSets: readonly Uint8Array[] = [weftDescriptorSet],
): DescribedService[] {
  return [...descriptorRegistry(descriptorSets)]
    .flatMap((type) => (type.kind === 'service' ? [type] : []))
    .map(({ typeName, methods }) => ({ name: typeName, methods: methods.map(({ name }) => name) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
