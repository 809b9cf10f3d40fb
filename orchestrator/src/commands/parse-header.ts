import { InvalidArgumentError } from 'commander';

/** A request header; a `Buffer` for a name that ends in `-bin`. */
export type Header = readonly [name: string, value: string | Buffer];

/** The names that gRPC over HTTP/2 allows ("Custom-Metadata" in its specification). */
const NAME = /^[0-9a-z_.-]+$/;
const VALUE = /^[\x20-\x7e]*$/;
const BASE64 = /^[0-9A-Za-z+/]*={0,2}$/;

/**
 * Parses `name: value`, and adds the header to those before it.
 * @throws InvalidArgumentError if gRPC does not allow the name or the value
 */
export function parseHeader(text: string, before: readonly Header[] = []): readonly Header[] {
  const colon = text.indexOf(':');
  if (colon < 0) throw new InvalidArgumentError('It must look like "name: value".');
  const name = text.slice(0, colon).trim().toLowerCase();
  const value = text.slice(colon + 1).trim();
  if (!NAME.test(name)) {
    throw new InvalidArgumentError('Its name may have letters, digits, "_", "-" and "." only.');
  }
  if (name.startsWith('grpc-')) {
    throw new InvalidArgumentError('Names that begin with "grpc-" are reserved for gRPC.');
  }
  if (name.endsWith('-bin')) {
    if (!BASE64.test(value)) throw new InvalidArgumentError('A "-bin" header must be base64.');
    return [...before, [name, Buffer.from(value, 'base64')]];
  }
  if (!VALUE.test(value)) throw new InvalidArgumentError('Its value must be printable ASCII.');
  return [...before, [name, value]];
}
