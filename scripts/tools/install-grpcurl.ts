import { cachedPrograms, findProgram, run } from './program.ts';

const source = 'github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3';

/** Builds grpcurl into `.cache/bin` with Go. Answers why that is not possible, else undefined. */
export async function installGrpcurl(say: (text: string) => void): Promise<string | undefined> {
  const go = findProgram('go');
  if (go === undefined) return 'it is not installed, and there is no Go to build it with';
  say('grpcurl is missing: building it with Go into .cache/bin (a few minutes) ...');
  const { code, output } = await run(go, ['install', source], {
    env: { ...process.env, GOBIN: cachedPrograms },
  });
  return code === 0 ? undefined : `go install ${source} failed: ${output.trim()}`;
}
