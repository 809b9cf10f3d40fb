import { Metadata as GrpcMetadata } from '@grpc/grpc-js';
import { Metadata } from 'nice-grpc-common';

/** Metadata of nice-grpc as grpc-js sends it. */
export function toGrpcMetadata(metadata: Metadata): GrpcMetadata {
  const converted = new GrpcMetadata();
  for (const [key, values] of metadata) {
    for (const value of values) {
      converted.add(key, typeof value === 'string' ? value : Buffer.from(value));
    }
  }
  return converted;
}

/** Metadata that grpc-js received as nice-grpc hands it on. */
export function fromGrpcMetadata(metadata: GrpcMetadata): Metadata {
  const converted = Metadata();
  for (const key of Object.keys(metadata.getMap())) converted.set(key, metadata.get(key));
  return converted;
}
