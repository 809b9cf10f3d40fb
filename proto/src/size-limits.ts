import type { Metadata } from '@grpc/grpc-js';
import { metadataEntries } from './metadata-entries.ts';
import { MAX_MESSAGE_BYTES } from './transport-defaults.ts';

/** How large the messages and the metadata of a call may be. One side's sending is the other's receiving. */
export interface SizeLimits {
  /** Largest message to send, encoded, in bytes; from 1024 to 1 GiB. Default 4,194,304 (4 MiB). */
  maxSendMessageBytes: number;
  /**
   * Largest message to receive, in bytes, before and after it is decompressed; from 1024 to 1 GiB.
   * Default 4,194,304 (4 MiB), as everywhere in gRPC.
   */
  maxReceiveMessageBytes: number;
  /**
   * Most metadata to send at once, in bytes; from 1024 to 61,440. Each entry counts its key, its value and
   * 32 bytes more, as in HTTP/2. gRPC's own headers do not count. Default 32,768. Many servers that are not
   * Weft's read no more than 8192.
   */
  maxSendMetadataBytes: number;
  /**
   * Most metadata to receive at once, counted in the same way; from 1024 to 61,440, as Node reads no more
   * than 64 KiB. Default 32,768.
   */
  maxReceiveMetadataBytes: number;
}

export const DEFAULT_SIZE_LIMITS: SizeLimits = {
  maxSendMessageBytes: MAX_MESSAGE_BYTES,
  maxReceiveMessageBytes: MAX_MESSAGE_BYTES,
  maxSendMetadataBytes: 32_768,
  maxReceiveMetadataBytes: 32_768,
};

/** The range of each limit, in bytes. */
export const SIZE_LIMIT_RANGES = {
  message: [1024, 2 ** 30],
  metadata: [1024, 61_440],
} as const;

/** Says that something is larger than a limit. The sentence names the setting and where to raise it. */
export function overLimit(
  what: string,
  bytes: number | undefined,
  limits: SizeLimits,
  setting: keyof SizeLimits,
  where: string,
): string {
  const size = bytes === undefined ? 'is larger' : `of ${bytes} bytes is larger`;
  return `${what} ${size} than ${setting} (${limits[setting]}); raise it in ${where}`;
}

/** Headers that gRPC itself adds to what the application sends. */
const GRPC_OWN = new Set([
  'accept-encoding',
  'content-type',
  'date',
  'grpc-accept-encoding',
  'grpc-encoding',
  'grpc-previous-rpc-attempts',
  'grpc-retry-pushback-ms',
  'grpc-timeout',
  'te',
  'user-agent',
]);

/** What an entry costs besides its key and value, in bytes (RFC 9113 section 6.5.2). */
const ENTRY_BYTES = 32;

/** Size of metadata without gRPC's own headers, as HTTP/2 counts it. */
export function metadataBytes(metadata: Metadata): number {
  let bytes = 0;
  for (const [key, values] of metadataEntries(metadata)) {
    if (GRPC_OWN.has(key)) continue;
    for (const value of values) {
      const length = typeof value === 'string' ? value.length : Math.ceil(value.length / 3) * 4;
      bytes += key.length + length + ENTRY_BYTES;
    }
  }
  return bytes;
}
