import { Metadata as GrpcMetadata } from '@grpc/grpc-js';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import type { Client, TsProtoServiceDefinition } from 'nice-grpc';
import { type CallOptions, ClientError, Metadata } from 'nice-grpc-common';
import { givenSizeLimits } from '../policy/size-limit-fields.ts';
import { currentCall } from '../server/call-context.ts';
import {
  checkCallOptions,
  deadlineOf,
  type MeshCallOptions,
  spentDeadline,
} from './call-options.ts';
import { attachSettings, type CallSettings } from './call-settings.ts';
import type { CallSite } from './call-site.ts';
import { decodeResponse } from './decode-response.ts';
import { fromGrpcMetadata, toGrpcMetadata } from './nice-metadata.ts';
import { richError } from './rich-error.ts';
import { type FailedCall, unaryCall } from './unary-call.ts';

type TsProtoMethod = TsProtoServiceDefinition['methods'][string];
type UnaryOptions = CallOptions & MeshCallOptions;
type StreamMethod = (request: unknown, options?: UnaryOptions) => unknown;
type StreamMethods = Readonly<Record<string, StreamMethod>>;

/**
 * A client with the methods of `contract`, as nice-grpc makes them. Unary calls, which are the most,
 * take a shorter way to the channel; `streams` makes the rest.
 */
export function createMeshClient<Definition extends TsProtoServiceDefinition>(
  contract: Definition,
  site: CallSite,
  streams: Client<Definition, MeshCallOptions>,
): Client<Definition, MeshCallOptions> {
  const client: Record<string, unknown> = { ...streams };
  for (const [key, method] of Object.entries(contract.methods)) {
    client[key] =
      method.requestStream || method.responseStream
        ? streamMethod((streams as StreamMethods)[key] as StreamMethod)
        : unaryMethod(`/${contract.fullName}/${method.name}`, method, site);
  }
  return client as Client<Definition, MeshCallOptions>;
}

/** nice-grpc takes whatever it is given for options. */
function streamMethod(method: StreamMethod): StreamMethod {
  return (request, options = {}) => {
    checkCallOptions(options);
    return method(request, options);
  };
}

function unaryMethod(path: string, { requestType, responseType }: TsProtoMethod, site: CallSite) {
  const { encode, fromPartial = (message: unknown) => message } = requestType;
  const encoded = (request: unknown): Buffer => {
    const bytes: Uint8Array = encode(fromPartial(request)).finish();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
  const decoded = (response: Buffer): unknown => responseType.decode(response);
  return unaryCaller(path, encoded, decoded, site);
}

/** Makes calls of one unary method, whatever its messages are made of. */
export function unaryCaller<Request, Response>(
  path: string,
  encode: (request: Request) => Buffer,
  decode: (response: Buffer) => Response,
  site: CallSite,
) {
  return async (request: Request, options: UnaryOptions = {}): Promise<Response> => {
    checkCallOptions(options);
    const incoming = currentCall();
    const deadline = deadlineOf(options.timeoutMs, site.planOf(path).defaultDeadlineMs, incoming);
    const spent = spentDeadline(deadline);
    if (spent !== undefined) throw new ClientError(path, spent.code as number, spent.details);
    const { onHeader, onTrailer } = options;
    try {
      const response = await unaryCall(site.channel, path, encode(request), {
        metadata: requestMetadata(options, site.settings),
        deadline,
        signal: signalOf(options.signal, incoming?.signal),
        onHeader: onHeader && ((header) => onHeader(fromGrpcMetadata(header))),
        onTrailer: onTrailer && ((trailer) => onTrailer(fromGrpcMetadata(trailer))),
      });
      return decodeResponse(path, decode, response);
    } catch (failure) {
      if (!isFailedCall(failure)) throw failure;
      throw await richError(failure);
    }
  };
}

function requestMetadata(options: UnaryOptions, settings: CallSettings | undefined): GrpcMetadata {
  const { metadata, hashKey, onReport } = options;
  const sizeLimits = givenSizeLimits(options);
  const sent = metadata === undefined ? new GrpcMetadata() : toGrpcMetadata(Metadata(metadata));
  const traceContext = context.active();
  if (
    hashKey !== undefined ||
    onReport !== undefined ||
    sizeLimits !== undefined ||
    traceContext !== ROOT_CONTEXT
  ) {
    attachSettings(sent, { ...settings, hashKey, onReport, sizeLimits, traceContext });
  } else if (settings !== undefined) attachSettings(sent, settings);
  return sent;
}

/** Aborts when either does. */
export function signalOf(
  own: AbortSignal | undefined,
  incoming: AbortSignal | undefined,
): AbortSignal | undefined {
  if (own === undefined || incoming === undefined || own === incoming) return own ?? incoming;
  return AbortSignal.any([own, incoming]);
}

function isFailedCall(failure: unknown): failure is FailedCall {
  return typeof failure === 'object' && failure !== null && 'trailers' in failure;
}
