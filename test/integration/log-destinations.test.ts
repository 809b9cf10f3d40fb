import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { ServingStatus } from '@weft/proto';
import { HealthDefinition } from '@weft/proto/health';
import { createChannel, createClient } from 'nice-grpc';
import { freePort } from '../../orchestrator/src/process/ports.ts';
import { eventually } from '../support/eventually.ts';
import { ServiceStage } from '../support/service-process.ts';
import { tempFolder } from '../support/temp-folder.ts';

const registryMain = join(import.meta.dirname, '..', '..', 'registry', 'src', 'main.ts');
const cleanup = new AsyncDisposableStack();
const folder = cleanup.use(tempFolder());
afterAll(() => cleanup.disposeAsync());

/** A full pipe without a reader. */
function fullPipe(): { end: number } & Disposable {
  const path = join(folder.path, `pipe-${Math.random()}`);
  execFileSync('mkfifo', [path]);
  const both = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const end = openSync(path, constants.O_WRONLY);
  try {
    for (;;) writeSync(both, Buffer.alloc(4096));
  } catch {
    // No more fits in.
  }
  return {
    end,
    [Symbol.dispose]: () => {
      closeSync(end);
      closeSync(both);
    },
  };
}

/** Destinations that take no line: a full disk, and a small pipe without a reader. */
function destinations(): {
  fds: { 'a full disk': number; 'a pipe nobody reads': number };
} & Disposable {
  const pipe = fullPipe();
  const full = openSync('/dev/full', 'w');
  return {
    fds: { 'a full disk': full, 'a pipe nobody reads': pipe.end },
    [Symbol.dispose]: () => {
      pipe[Symbol.dispose]();
      closeSync(full);
    },
  };
}

/** A process that has not ended by then hangs, and is killed. */
const END_MS = 15_000;

async function terminate(child: ReturnType<typeof spawn>): Promise<number | null> {
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), END_MS);
  const [code] = await exit;
  clearTimeout(late);
  return code;
}

describe('a process that cannot write its log', () => {
  it('serves, and stops in order: user-, order- and payment-service', async () => {
    using where = destinations();
    const stage = await ServiceStage.open();
    const kinds = ['user', 'order', 'payment'];
    const start = (kind: string, what: keyof typeof where.fds) => {
      const service = stage.start(kind, kind, {}, where.fds[what]);
      return { what, kind, child: service.child };
    };
    const started = [
      ...kinds.map((kind) => start(kind, 'a full disk')),
      ...kinds.slice(0, 1).map((kind) => start(kind, 'a pipe nobody reads')),
    ];
    try {
      await stage.listed(kinds.slice(0, 1), 2);
      await stage.listed(kinds.slice(1), 1);
      const codes = await Promise.all(
        started.map(async ({ what, kind, child }) => [what, kind, await terminate(child)]),
      );
      expect(codes).toEqual(started.map(({ what, kind }) => [what, kind, 0]));
    } finally {
      await stage.close();
    }
  }, 60_000);

  it('serves, and stops in order: the registry', async () => {
    using where = destinations();
    const runs = await Promise.all(
      Object.entries(where.fds).map(async ([what, fd]) => {
        const port = await freePort('127.0.0.1');
        const flags = ['--store', 'memory', '--port', String(port), '--http-port', 'off'];
        const args = ['--conditions=weft-source', registryMain, ...flags];
        const child = spawn(process.execPath, args, { stdio: ['ignore', fd, fd] });
        return { what, child, address: `127.0.0.1:${port}` };
      }),
    );
    try {
      for (const { address } of runs) {
        const channel = createChannel(address);
        const health = createClient(HealthDefinition, channel);
        try {
          const serving = async () => {
            expect(await health.check({})).toEqual({ status: ServingStatus.SERVING });
          };
          await eventually(serving, { withinMs: 10_000 });
        } finally {
          channel.close();
        }
      }
      const codes = await Promise.all(runs.map(({ child }) => terminate(child)));
      expect(codes).toEqual([0, 0]);
    } finally {
      for (const { child } of runs) child.kill('SIGKILL');
    }
  }, 60_000);
});
