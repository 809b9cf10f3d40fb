import { type Contract, isContract, isTsProto } from '../contract/contract.ts';
import { ConfigError } from '../errors.ts';
import { Faults, shown } from '../policy/faults.ts';
import { fieldsOf, isPlain, type Reader, serviceName } from '../policy/readers.ts';
import type { ServicePolicy } from '../policy/service-policy.ts';

/** A policy is read where its contract is at hand; here it only has to be one. */
const policy: Reader<ServicePolicy> = (value, path, faults) => {
  if (isPlain(value)) return value;
  faults.mustBe(path, 'an object', value);
};

const contract: Reader<Contract> = (value, path, faults) => {
  if (isContract(value)) return value;
  faults.mustBe(path, 'a generated contract, or one of loadContracts', value);
};

const clientFields = fieldsOf<{ service?: string; policy?: ServicePolicy }>({
  service: serviceName,
  policy,
});
const channelFields = fieldsOf<{ contract?: Contract; policy?: ServicePolicy }>({
  contract,
  policy,
});

function reading<T>(reader: Reader<T>) {
  return (options: unknown): T => {
    const faults = new Faults();
    const read = reader(options, [], faults);
    faults.throwIfAny();
    return read as T;
  };
}

/** Reads the options of `mesh.client`. @throws ConfigError */
export const readClientOptions = reading(clientFields);

/** Reads the options of `mesh.channel`. @throws ConfigError */
export const readChannelOptions = reading(channelFields);

/** @throws ConfigError unless a typed client can be made of `contract` */
export function checkClientContract(contract: unknown): void {
  if (isContract(contract) && isTsProto(contract)) return;
  const what = 'a generated contract, such as UserServiceDefinition';
  throw new ConfigError('contract', what, shown(contract));
}
