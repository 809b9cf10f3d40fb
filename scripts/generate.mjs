/**
 * Generates TypeScript and a descriptor set from the contracts: proto/ -> proto/gen/.
 * Runs on any Node >= 20 and needs the development dependencies. `--check` only tells, by its exit
 * code, whether what stands in proto/gen is current.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const proto = join(root, 'proto');
const stamp = join(proto, 'gen', '.source-hash');

function protoFiles(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      return ['gen', 'dist', 'node_modules', 'src'].includes(entry.name) ? [] : protoFiles(path);
    }
    return /\.proto$|^buf\.gen\.yaml$|\.mjs$/.test(entry.name) ? [path] : [];
  });
}

/** What the generated code is made from: contracts, options, generator. */
export function sourceHash() {
  const hash = createHash('sha256');
  for (const file of protoFiles(proto).sort())
    hash.update(file.slice(root.length)).update(readFileSync(file));
  hash.update(readFileSync(join(root, 'scripts', 'generate.mjs')));
  hash.update(readFileSync(join(root, 'node_modules', 'ts-proto', 'package.json')));
  return hash.digest('hex');
}

export function isCurrent() {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === sourceHash();
}

export function generate() {
  const bin = join(root, 'node_modules', '.bin');
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
  const buf = (args) => execFileSync(join(bin, 'buf'), args, { cwd: proto, env });
  buf(['generate']);
  const descriptors = buf(['build', '--exclude-source-info', '-o', '-#format=binpb']);
  writeFileSync(
    join(proto, 'gen', 'descriptor-set.ts'),
    `/** The compiled contracts, a google.protobuf.FileDescriptorSet: what server reflection answers from. */
export const weftDescriptorSet: Uint8Array = Buffer.from(
  '${descriptors.toString('base64')}',
  'base64',
);
`,
  );
  writeFileSync(stamp, sourceHash());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--check')) {
    if (!isCurrent()) {
      console.error(
        'proto/gen is not generated from the contracts as they stand: run `npm run generate`.',
      );
      process.exit(1);
    }
  } else {
    generate();
  }
}
