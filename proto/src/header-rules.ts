import type { Metadata } from '@grpc/grpc-js';
import { metadataEntries } from './metadata-entries.ts';

/** Headers of one HTTP/1 connection. HTTP/2 forbids them (RFC 9113 section 8.2.2). */
const HOP_BY_HOP = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/** Headers that gRPC itself decides on. */
const OF_THE_CALL = new Set(['content-length', 'grpc-timeout']);

/** Headers that Node sends with one value only (`kSingleValueHeaders` of lib/internal/http2/util.js). */
const SINGLE_VALUE = new Set([
  'access-control-allow-credentials',
  'access-control-max-age',
  'access-control-request-method',
  'age',
  'authorization',
  'content-encoding',
  'content-language',
  'content-location',
  'content-md5',
  'content-range',
  'date',
  'dnt',
  'etag',
  'expires',
  'from',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'range',
  'referer',
  'retry-after',
  'tk',
  'upgrade-insecure-requests',
  'x-content-type-options',
]);

/**
 * Says why metadata cannot be sent over HTTP/2; undefined if it can. Node throws for such headers, and
 * grpc-js then drops the whole connection with all its calls.
 */
export function headerFault(metadata: Metadata): string | undefined {
  for (const [key, values] of metadataEntries(metadata)) {
    if (HOP_BY_HOP.has(key)) {
      return `metadata key '${key}' is a header of one HTTP/1 connection, which gRPC cannot send; leave it out`;
    }
    if (OF_THE_CALL.has(key)) {
      return `metadata key '${key}' is set by gRPC itself; leave it out`;
    }
    if (key.includes(':')) {
      return `metadata key '${key}' contains a colon, which gRPC cannot send; rename it`;
    }
    if (values.length > 1 && SINGLE_VALUE.has(key)) {
      return `metadata key '${key}' has ${values.length} values, and HTTP allows one; send one`;
    }
  }
}
