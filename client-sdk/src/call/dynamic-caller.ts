import {
  type DescMethod,
  type FileRegistry,
  fromBinary,
  fromJson,
  type JsonValue,
  toBinary,
} from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel as IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { callTypeOf, messageOf, nearestName } from '@weft/proto';
import type { CallOptions } from 'nice-grpc-common';
import type { MethodTraits } from '../contract/contract.ts';
import { WeftError } from '../errors.ts';
import type { MeshCallOptions } from './call-options.ts';
import type { CallSite } from './call-site.ts';
import { unaryCaller } from './mesh-client.ts';
import type { MethodPlans } from './method-plans.ts';
import { type Reflected, reflect } from './reflection-client.ts';
import { responseJson } from './response-json.ts';

export interface DynamicCallerOptions {
  plans: MethodPlans;
  siteOf: (service: string) => CallSite;
  /** How long reflection may take, in ms. */
  timeoutMs: number;
  /** How long what reflection told is believed, in ms. */
  ttlMs: number;
}

interface Described extends Reflected {
  /** When the server said so, as `performance.now()` counts. */
  readonly at: number;
}

function* methodsOf(files: FileRegistry): Generator<DescMethod> {
  for (const type of files) {
    if (type.kind === 'service') yield* type.methods;
  }
}

function pathOf({ parent, name }: DescMethod): string {
  return `/${parent.typeName}/${name}`;
}

function traitsOf(method: DescMethod): MethodTraits {
  return {
    path: pathOf(method),
    type: callTypeOf({
      requestStream: /^(client|bidi)/.test(method.methodKind),
      responseStream: /^(server|bidi)/.test(method.methodKind),
    }),
    isIdempotent: method.idempotency !== IdempotencyLevel.IDEMPOTENCY_UNKNOWN,
  };
}

/** Calls methods by name with JSON, learning the contract from the service itself. For tools. */
export class DynamicCaller {
  readonly #options: DynamicCallerOptions;
  readonly #described = new Map<string, Described>();

  constructor(options: DynamicCallerOptions) {
    this.#options = options;
  }

  /**
   * @param method `CreateUser`, or `user.v1.UserService/CreateUser` where the short name is not enough
   * @param request in protobuf's JSON form
   * @returns the response in protobuf's JSON form
   * @throws WeftError METHOD_NOT_FOUND, NOT_UNARY, INVALID_REQUEST; ClientError when the call fails
   */
  async call(
    service: string,
    method: string,
    request: JsonValue,
    options: CallOptions & MeshCallOptions,
  ): Promise<JsonValue> {
    const { files, desc } = await this.#find(service, method);
    if (desc.methodKind !== 'unary') {
      throw new WeftError(
        'NOT_UNARY',
        `${pathOf(desc)} streams; only unary methods can be called by name`,
      );
    }
    let requestBytes: Uint8Array;
    try {
      requestBytes = toBinary(desc.input, fromJson(desc.input, request, { registry: files }));
    } catch (error) {
      const reason = messageOf(error);
      throw new WeftError('INVALID_REQUEST', `not a ${desc.input.typeName}: ${reason}`, {
        cause: error,
      });
    }
    const caller = unaryCaller(
      pathOf(desc),
      (bytes: Uint8Array) => Buffer.from(bytes),
      (response) => responseJson(desc.output, fromBinary(desc.output, response), files),
      this.#options.siteOf(service),
    );
    return caller(requestBytes, options);
  }

  /** The methods that `call` can call, `user.v1.UserService/CreateUser`, sorted; none of gRPC's own. */
  async methods(service: string): Promise<string[]> {
    const { files } = await this.#describe(service);
    return [...methodsOf(files)]
      .filter((desc) => desc.methodKind === 'unary' && !desc.parent.typeName.startsWith('grpc.'))
      .map((desc) => pathOf(desc).slice(1))
      .sort();
  }

  async #find(service: string, method: string): Promise<{ files: FileRegistry; desc: DescMethod }> {
    const known = this.#described.get(service);
    const isFresh = known !== undefined && performance.now() - known.at < this.#options.ttlMs;
    const found = isFresh ? this.#lookUp(known.files, service, method) : undefined;
    if (found !== undefined) return { files: (known as Described).files, desc: found };
    const { files, undescribed } = await this.#describe(service);
    const desc = this.#lookUp(files, service, method);
    if (desc !== undefined) return { files, desc };
    const methods = [...methodsOf(files)];
    const offered = methods.map((each) => pathOf(each).slice(1)).sort();
    const nearest = nearestName(method, [...methods.map(({ name }) => name), ...offered]);
    const hint = nearest ? `did you mean ${nearest}?` : `it offers ${offered.join(', ')}`;
    throw new WeftError(
      'METHOD_NOT_FOUND',
      `${service} has no method '${method}'; ${hint}${noteOn(undescribed)}`,
    );
  }

  #lookUp(files: FileRegistry, service: string, method: string): DescMethod | undefined {
    const matches = [...methodsOf(files)].filter((desc) => {
      return desc.name === method || pathOf(desc).slice(1) === method;
    });
    if (matches.length > 1) {
      const names = matches.map((desc) => pathOf(desc).slice(1)).join(', ');
      throw new WeftError(
        'METHOD_NOT_FOUND',
        `'${method}' of ${service} is one of ${names}: say which`,
      );
    }
    return matches[0];
  }

  async #describe(service: string): Promise<Reflected> {
    const { siteOf, timeoutMs, plans } = this.#options;
    const reflected = await reflect(siteOf(service).stub, timeoutMs);
    plans.learn([...methodsOf(reflected.files)].map(traitsOf));
    this.#described.set(service, { ...reflected, at: performance.now() });
    return reflected;
  }
}

function noteOn(undescribed: readonly string[]): string {
  if (undescribed.length === 0) return '';
  const advice = 'pass descriptorSets to mesh.serve there';
  return `; it does not describe its ${undescribed.join(', ')}: ${advice}`;
}
