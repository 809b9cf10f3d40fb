import { addressText, leaseText } from '@weft/proto';
import { Health, type Instance, InstanceStatus } from '@weft/proto/registry';
import pc from 'picocolors';
import { type ColumnsOptions, columns } from './columns.ts';
import { enumName } from './enum-name.ts';

export function statusName({ status }: Instance): string {
  return enumName(InstanceStatus, status, 'INSTANCE_STATUS_');
}

/** `-` of an instance that nobody checks. */
export function healthName({ health }: Instance): string {
  return health === Health.HEALTH_UNSPECIFIED ? '-' : enumName(Health, health, 'HEALTH_');
}

export function addressOf({ address }: Instance): string {
  return addressText(address) || '-';
}

/** A status in the colour of what it means for calls. */
export function paintStatus(name: string, isColored: boolean): string {
  const { green, yellow, red } = pc.createColors(isColored);
  if (name === 'RUNNING' || name === 'SERVING') return green(name);
  return name === 'ERROR' || name === 'NOT_SERVING' ? red(name) : yellow(name);
}

const TITLES = [
  ...['service', 'id', 'address', 'status', 'health'],
  ...['zone', 'version', 'weight', 'lease', 'ttl'],
];

/** Instances, one a line. Leases are hexadecimal, as etcdctl has them. */
export function instancesTable(instances: readonly Instance[], options: ColumnsOptions): string {
  const rows = instances.map((instance) => {
    const health = healthName(instance);
    return [
      instance.service,
      instance.id,
      addressOf(instance),
      paintStatus(statusName(instance), options.isColored),
      health === '-' ? health : paintStatus(health, options.isColored),
      instance.zone || '-',
      instance.version || '-',
      String(instance.weight ?? 1),
      leaseText(instance.leaseId),
      `${instance.ttlSeconds} s`,
    ];
  });
  return columns(TITLES, rows, options);
}
