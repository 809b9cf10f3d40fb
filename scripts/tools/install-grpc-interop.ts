import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cachedPrograms, findProgram, run } from './program.ts';

const VERSION = 'v1.76.0';

/** gRPC's interoperability programs for Go, under the names that they get in `.cache/bin`. */
export const INTEROP_PROGRAMS = { client: 'grpc-interop-client', server: 'grpc-interop-server' };

/**
 * Builds grpc-go's interoperability client and server into `.cache/bin`.
 * @returns why that is not possible; undefined if it is done
 */
export async function installGrpcInterop(say: (text: string) => void): Promise<string | undefined> {
  const go = findProgram('go');
  if (go === undefined) return 'they are not installed, and there is no Go to build them with';
  say("grpc-go's interop programs are missing: building them with Go (a minute or two) ...");
  const built = join(cachedPrograms, 'grpc-interop');
  const env = { ...process.env, GOBIN: built };
  mkdirSync(built, { recursive: true });
  try {
    for (const [folder, name] of Object.entries(INTEROP_PROGRAMS)) {
      const source = `google.golang.org/grpc/interop/${folder}@${VERSION}`;
      const { code, output } = await run(go, ['install', source], { env });
      if (code !== 0) return `go install ${source} failed: ${output.trim()}`;
      renameSync(join(built, folder), join(cachedPrograms, name));
    }
  } finally {
    rmSync(built, { recursive: true, force: true });
  }
  return undefined;
}
