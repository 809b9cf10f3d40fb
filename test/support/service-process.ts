import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createMesh, type Mesh } from '@weft/client-sdk';
import type { Registry } from '@weft/registry';
import { eventually } from './eventually.ts';
import { createTestRegistry } from './registry.ts';
import { tempFolder } from './temp-folder.ts';

const services = join(import.meta.dirname, '..', '..', 'services');

/** A service of the shop in a process of its own. Always end it. */
export interface ServiceProcess {
  readonly child: ChildProcess;
  /** What the process wrote to standard output so far: its log as JSON lines. */
  readonly log: string;
  /** What the process wrote to standard error so far. */
  readonly errors: string;
  /** Resolves with the exit code; null when a signal ended the process. */
  readonly exited: Promise<number | null>;
  /** SIGKILL; resolves when the process is gone. */
  end(): Promise<void>;
}

/**
 * Starts user-, order- or payment-service; the registry lists it a little later.
 * @param name `user`, `order` or `payment`
 * @param environment over the environment of the test, such as WEFT_REGISTRY and WEFT_DATA_DIR
 * @param out descriptor that standard output goes to. Default: kept as `log`
 */
export function startService(
  name: string,
  environment: NodeJS.ProcessEnv,
  out: 'pipe' | number = 'pipe',
): ServiceProcess {
  const main = join(services, name, 'src', 'main.ts');
  const child = spawn(process.execPath, ['--conditions=weft-source', '--no-warnings', main], {
    stdio: ['ignore', out, 'pipe'],
    env: { ...process.env, ...environment },
  });
  const output = { log: '', errors: '' };
  child.stdout?.on('data', (chunk) => {
    output.log += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    output.errors += chunk;
  });
  const exited = once(child, 'close').then(([code]) => code as number | null);
  return {
    child,
    get log() {
      return output.log;
    },
    get errors() {
      return output.errors;
    },
    exited,
    async end() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Services of the shop as processes, with a registry, a client and a folder for their data. Always close it. */
export class ServiceStage {
  readonly registry: Registry;
  readonly mesh: Mesh;
  readonly #folder = tempFolder();
  readonly folder = this.#folder.path;
  readonly #started: ServiceProcess[] = [];

  private constructor(registry: Registry) {
    this.registry = registry;
    this.mesh = createMesh({ registry: registry.address });
  }

  static async open(): Promise<ServiceStage> {
    return new ServiceStage(await createTestRegistry());
  }

  /**
   * Starts a service with its data in `<folder>/<data>`.
   * @param environment as for `startService`; WEFT_REGISTRY and WEFT_DATA_DIR are set
   */
  start(
    name: string,
    data: string,
    environment: NodeJS.ProcessEnv = {},
    out?: 'pipe' | number,
  ): ServiceProcess {
    const WEFT_REGISTRY = this.registry.address;
    const WEFT_DATA_DIR = join(this.folder, data);
    const service = startService(name, { WEFT_REGISTRY, WEFT_DATA_DIR, ...environment }, out);
    this.#started.push(service);
    return service;
  }

  /** Waits until each of the services, `user` and so on, has so many instances. */
  async listed(names: readonly string[], instances: number): Promise<void> {
    for (const name of names) {
      const isListed = async () => {
        const found = (await this.mesh.discover(`${name}-service`)).instances.length;
        if (found !== instances) throw new Error(`${name}-service has ${found} instances`);
      };
      await eventually(isListed, { withinMs: 40_000 });
    }
  }

  async close(): Promise<void> {
    this.mesh.close();
    await Promise.all(this.#started.map((each) => each.end()));
    await this.registry.close();
    this.#folder[Symbol.dispose]();
  }
}
