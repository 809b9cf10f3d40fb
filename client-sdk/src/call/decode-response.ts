import { status } from '@grpc/grpc-js';
import { messageOf } from '@weft/proto';
import { ClientError } from 'nice-grpc-common';

/** Decodes what a peer answered. @throws ClientError INTERNAL when it is no such message */
export function decodeResponse<Response>(
  path: string,
  decode: (response: Buffer) => Response,
  response: Buffer,
): Response {
  try {
    return decode(response);
  } catch (error) {
    const reason = messageOf(error);
    const details = `the response of ${response.length} bytes cannot be decoded: ${reason}`;
    throw new ClientError(path, status.INTERNAL as number, details);
  }
}
