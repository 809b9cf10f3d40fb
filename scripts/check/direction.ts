import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { root } from '../tools/program.ts';
import { type Import, importsOf, packageOf } from './imports.ts';
import type { Rule } from './rule.ts';
import { trackedFiles } from './tracked-files.ts';

const ofServices = ['@weft/proto', '@weft/client-sdk', '@weft/service-kit'];

/** Which Weft packages each workspace may import. A service may import no other service. */
const allowed: Record<string, readonly string[]> = {
  proto: [],
  registry: ['@weft/proto'],
  'client-sdk': ['@weft/proto'],
  'services/shared': ['@weft/proto', '@weft/client-sdk'],
  'services/user': ofServices,
  'services/order': ofServices,
  'services/payment': ofServices,
  // It spawns the registry and asks only where its program is.
  orchestrator: ['@weft/proto', '@weft/client-sdk'],
};
const spawned = ['@weft/registry/main'];

/** What only these files may import. */
const reserved = [
  {
    module: 'etcd3',
    name: /^/,
    only: ['registry/src/store/etcd-client.ts', 'registry/src/store/etcd-connection.ts'],
  },
  {
    module: '@grpc/grpc-js',
    name: /\bexperimental\b/,
    only: ['client-sdk/src/grpc-experimental.ts'],
  },
];

/** The core of balancing: other transports will be put under it, so it knows of none. */
const core = /^client-sdk\/src\/(balancer|breaker)\//;
const transport = /^(@grpc\/|nice-grpc|client-sdk\/src\/(grpc|call|server)\/)/;

interface Workspace {
  readonly folder: string;
  readonly mayImport: readonly string[];
  /** Packages its package.json names. */
  readonly declared: ReadonlySet<string>;
}

/** What is wrong with one import of one file, undefined when nothing is. */
export function importBreach(
  path: string,
  { clause, from }: Pick<Import, 'clause' | 'from'>,
  { folder, mayImport, declared }: Workspace,
): string | undefined {
  const owner = reserved.find(
    ({ module, name }) => packageOf(from) === module && name.test(clause),
  );
  if (owner !== undefined && !owner.only.includes(path)) {
    return `only ${owner.only.join(' and ')} may import ${owner.module === from ? 'this' : from}`;
  }
  const name = packageOf(from);
  const target = from.startsWith('.') ? posix.join(posix.dirname(path), from) : from;
  if (core.test(path) && transport.test(target)) {
    return 'the core of balancing may know of no transport';
  }
  if (name === undefined) {
    const isInside = !from.startsWith('.') || target.startsWith(`${folder}/`);
    return isInside ? undefined : `it leaves ${folder}; import another package by its name`;
  }
  if (folder === 'orchestrator' && spawned.includes(from)) return undefined;
  if (name.startsWith('@weft/') && !mayImport.includes(name)) {
    return `${folder} may import ${mayImport.join(' and ') || 'no other Weft package'}`;
  }
  return declared.has(name) ? undefined : `${folder}/package.json does not name it`;
}

function workspaceOf(folder: string, mayImport: readonly string[]): Workspace {
  const manifest: { dependencies?: Record<string, string> } = JSON.parse(
    readFileSync(join(root, folder, 'package.json'), 'utf8'),
  );
  return { folder, mayImport, declared: new Set(Object.keys(manifest.dependencies ?? {})) };
}

export const direction: Rule = {
  name: 'dependencies point one way: proto <- registry, proto <- client-sdk <- services',
  async check() {
    const paths = (await trackedFiles()).filter((path) => /\.m?ts$/.test(path));
    const breaches = Object.entries(allowed).flatMap(([folder, mayImport]) => {
      const workspace = workspaceOf(folder, mayImport);
      return paths
        .filter((path) => path.startsWith(`${folder}/`))
        .flatMap((path) =>
          importsOf(readFileSync(join(root, path), 'utf8')).map((found) => {
            const breach = importBreach(path, found, workspace);
            return breach && `${path}:${found.line}: imports '${found.from}': ${breach}`;
          }),
        );
    });
    return { breaches: breaches.filter((breach) => breach !== undefined) };
  },
};
