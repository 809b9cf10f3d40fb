import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePort } from '../../orchestrator/src/process/ports.ts';
import { eventually } from './eventually.ts';
import { tempFolder } from './temp-folder.ts';
import { toolPath } from './tools.ts';

/** One series of an answer of Prometheus. */
export interface PrometheusSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A real Prometheus in a process of its own. Always end it. */
export interface TestPrometheus {
  /** Answers an instant query as of now. */
  query(expression: string): Promise<PrometheusSample[]>;
  /** Resolves when it is gone. */
  end(): Promise<void>;
}

/** Starts Prometheus with what its configuration file is to hold, on a free port. */
export async function startPrometheus(config: object): Promise<TestPrometheus> {
  const folder = tempFolder('weft-prometheus-');
  const file = join(folder.path, 'prometheus.yml');
  writeFileSync(file, stringify(config));
  const address = `127.0.0.1:${await freePort('127.0.0.1')}`;
  const child = spawn(
    toolPath('prometheus'),
    [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder.path, 'data')}`,
      `--web.listen-address=${address}`,
      '--log.level=warn',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const ask = async (path: string) => {
    const response = await fetch(`http://${address}${path}`);
    const text = await response.text();
    if (!response.ok) throw new Error(`Prometheus answered ${response.status}: ${text}`);
    return text;
  };
  const end = async () => {
    child.kill('SIGKILL');
    await exited;
    folder[Symbol.dispose]();
  };
  try {
    await eventually(() => ask('/-/ready'), { withinMs: 20_000, everyMs: 100 });
  } catch (error) {
    await end();
    throw new Error(`Prometheus is not ready: ${errors}`, { cause: error });
  }
  return {
    async query(expression) {
      const text = await ask(`/api/v1/query?query=${encodeURIComponent(expression)}`);
      const { data }: { data: { result: { metric: Record<string, string>; value: unknown[] }[] } } =
        JSON.parse(text);
      return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
    },
    end,
  };
}
