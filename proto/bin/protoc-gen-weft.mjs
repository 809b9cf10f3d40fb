#!/usr/bin/env node
/**
 * A protoc plugin: ts-proto, with two faults of its generated code mended (ts-proto 2.18.0).
 *
 * - It reads strings with invalid UTF-8, where protobuf requires an error: the code gets the reader of
 *   `@weft/proto/wire`. https://protobuf.dev/programming-guides/proto3/#scalar
 * - It writes times before 1970 with negative nanos: the code gets the conversions of `@weft/proto/wire`.
 *
 * Takes the options of ts-proto. Times must be Dates, and 64-bit integers bigints: `forceLong=bigint`.
 * Runs on Node 20 and later.
 */
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { CodeGeneratorResponseSchema } from '@bufbuild/protobuf/wkt';

const WIRE = '@weft/proto/wire';

/** ts-proto of the project that generates, else of this package. */
function tsProto() {
  const require = createRequire(import.meta.url);
  const manifest = require.resolve('ts-proto/package.json', { paths: [process.cwd(), '.'] });
  return join(dirname(manifest), 'protoc-gen-ts_proto');
}

/** The generated code of one file, mended. @throws Error if the code is not as this plugin knows it */
function mended(code) {
  const strict = code.replace('from "@bufbuild/protobuf/wire"', `from "${WIRE}"`);
  const conversion = /\nfunction (to|from)Timestamp\([\s\S]*?\n}\n/g;
  const names = [...strict.matchAll(conversion)].map(([, name]) => `${name}Timestamp`).sort();
  if (names.length === 0) return strict;
  if (!/BigInt\(Math\.trunc\(date\.getTime\(\)/.test(strict)) {
    throw new Error('times are not Dates with bigint seconds; set the option forceLong=bigint');
  }
  const wire = new RegExp(`^import .* from "${WIRE}";$`, 'm');
  return strict
    .replace(conversion, '')
    .replace(wire, (line) => line.replace(' }', `, ${names.join(', ')} }`));
}

async function generated() {
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const args = [tsProto()];
  const response = execFileSync(process.execPath, args, {
    input: Buffer.concat(chunks),
    maxBuffer: 2 ** 30,
  });
  const { file, ...rest } = fromBinary(CodeGeneratorResponseSchema, response);
  const files = file.map((each) => ({ ...each, content: mended(each.content) }));
  return create(CodeGeneratorResponseSchema, { ...rest, file: files });
}

const response = await generated().catch((error) =>
  create(CodeGeneratorResponseSchema, { error: `protoc-gen-weft: ${error.message}` }),
);
process.stdout.write(toBinary(CodeGeneratorResponseSchema, response));
