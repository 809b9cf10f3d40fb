import { SIZE_LIMIT_RANGES, type SizeLimits } from '@weft/proto';
import { Faults } from './faults.ts';
import { type FieldReaders, fieldsOf, type Reader, wholeNumberIn } from './readers.ts';

const inBytes = ([least, most]: readonly [number, number]): Reader<number> =>
  wholeNumberIn(least, most, 'bytes');

/** Readers for the fields of `SizeLimits`. */
export const sizeLimitFields: FieldReaders<SizeLimits> = {
  maxSendMessageBytes: inBytes(SIZE_LIMIT_RANGES.message),
  maxReceiveMessageBytes: inBytes(SIZE_LIMIT_RANGES.message),
  maxSendMetadataBytes: inBytes(SIZE_LIMIT_RANGES.metadata),
  maxReceiveMetadataBytes: inBytes(SIZE_LIMIT_RANGES.metadata),
};

const readSizeLimits = fieldsOf<Partial<SizeLimits>>(sizeLimitFields);

/**
 * The limits among the options of one call; undefined if none is given. Runs with each call.
 * @throws ConfigError naming every limit that cannot be used
 */
export function givenSizeLimits(options: Partial<SizeLimits>): Partial<SizeLimits> | undefined {
  const { maxSendMessageBytes, maxReceiveMessageBytes } = options;
  const { maxSendMetadataBytes, maxReceiveMetadataBytes } = options;
  const isGiven =
    maxSendMessageBytes !== undefined ||
    maxReceiveMessageBytes !== undefined ||
    maxSendMetadataBytes !== undefined ||
    maxReceiveMetadataBytes !== undefined;
  if (!isGiven) return undefined;
  const faults = new Faults();
  const limits = readSizeLimits(
    { maxSendMessageBytes, maxReceiveMessageBytes, maxSendMetadataBytes, maxReceiveMetadataBytes },
    [],
    faults,
  );
  faults.throwIfAny();
  return limits;
}

/** The limits that `above` sets, and those of `below` for the rest. */
export function overlaySizeLimits<Limits extends Partial<SizeLimits>>(
  below: Limits,
  above: Partial<SizeLimits>,
): Pick<Limits, keyof SizeLimits> {
  return {
    maxSendMessageBytes: above.maxSendMessageBytes ?? below.maxSendMessageBytes,
    maxReceiveMessageBytes: above.maxReceiveMessageBytes ?? below.maxReceiveMessageBytes,
    maxSendMetadataBytes: above.maxSendMetadataBytes ?? below.maxSendMetadataBytes,
    maxReceiveMetadataBytes: above.maxReceiveMetadataBytes ?? below.maxReceiveMetadataBytes,
  };
}
