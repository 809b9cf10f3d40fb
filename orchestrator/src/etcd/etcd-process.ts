import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface EtcdOptions {
  /** Path of the program; see `findEtcd`. */
  binary: string;
  /** Folder of its data; made when missing, gone on with when not. */
  dataDir: string;
  /** IP address to listen on. */
  host: string;
  /** Port for clients; must be free. */
  clientPort: number;
  /** Port for other etcd members; must be free. */
  peerPort: number;
  /** File its output is appended to. */
  logFile: string;
  /** How long it may take to answer. Default 15,000. */
  readyTimeoutMs?: number;
}

export interface EtcdProcess {
  /** `host:port` for clients. */
  readonly endpoint: string;
  readonly pid: number;
  /** Resolves when the process has ended, with how: `exit code 0`, `signal SIGKILL`. */
  readonly exited: Promise<string>;
  /** SIGTERM, and SIGKILL after `graceMs` (default 5000). Resolves when it has ended; may be called again. */
  stop(graceMs?: number): Promise<void>;
}

/** etcd reads every flag from ETCD_* too, and refuses to start where one contradicts a flag. */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('ETCD_'));
  // etcd 3.4 starts on arm64 only when told so; newer ones ignore it.
  const arch = process.arch === 'arm64' ? { ETCD_UNSUPPORTED_ARCH: 'arm64' } : {};
  return { ...Object.fromEntries(own), ...arch };
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

async function assertFree(host: string, port: number): Promise<void> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', (cause) => {
      reject(new Error(`etcd cannot listen on ${host}:${port}: ${cause.message}`, { cause }));
    });
    probe.listen(port, host, resolve);
  });
  await new Promise((resolve) => probe.close(resolve));
}

function isHealthy(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(`${url}/health`, { agent: false, timeout: 1000 }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve(response.statusCode === 200 && /"true"/.test(body)));
      response.on('error', () => resolve(false));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
    request.on('close', () => resolve(false));
  });
}

function logTail(logFile: string): string {
  try {
    const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n');
    return lines.slice(-5).join('\n');
  } catch {
    return '(no output)';
  }
}

function launch(options: EtcdOptions, clientUrl: string): ChildProcess {
  const { binary, dataDir, host, peerPort, logFile } = options;
  const peerUrl = `http://${urlHost(host)}:${peerPort}`;
  const flags = {
    name: 'weft',
    'data-dir': dataDir,
    'listen-client-urls': clientUrl,
    'advertise-client-urls': clientUrl,
    'listen-peer-urls': peerUrl,
    'initial-advertise-peer-urls': peerUrl,
    'initial-cluster': `weft=${peerUrl}`,
    'auto-compaction-retention': '1h',
    logger: 'zap',
    'log-outputs': 'stderr',
  };
  const output = openSync(logFile, 'a');
  try {
    writeSync(output, `--- etcd on ${clientUrl}\n`);
    return spawn(
      binary,
      Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
      { detached: true, stdio: ['ignore', output, output], env: environment() },
    );
  } finally {
    closeSync(output);
  }
}

/**
 * Starts a single etcd and waits until it answers. It lives in a process group of its own: a Ctrl-C
 * in the terminal reaches only its starter, and it does not keep its starter's event loop alive.
 * @throws Error naming a taken port, or quoting the end of etcd's log when it ends or stays silent.
 */
export async function startEtcd(options: EtcdOptions): Promise<EtcdProcess> {
  const { binary, dataDir, host, clientPort, peerPort, logFile } = options;
  await assertFree(host, clientPort);
  await assertFree(host, peerPort);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  mkdirSync(dirname(logFile), { recursive: true });
  const clientUrl = `http://${urlHost(host)}:${clientPort}`;
  const child = launch(options, clientUrl);
  let ending: string | undefined;
  const exited = new Promise<string>((resolve) => {
    const end = (how: string) => {
      ending = how;
      resolve(how);
    };
    child.once('error', (error) => end(error.message));
    child.once('exit', (code, signal) =>
      end(signal === null ? `exit code ${code}` : `signal ${signal}`),
    );
  });
  child.unref();

  const stop = async (graceMs = 5000) => {
    for (const [signal, boundMs] of [
      ['SIGTERM', graceMs],
      ['SIGKILL', 5000],
    ] as const) {
      if (ending !== undefined) return;
      child.kill(signal);
      const end = performance.now() + boundMs;
      while (ending === undefined && performance.now() < end) await sleep(10);
    }
    if (ending === undefined) throw new Error(`etcd (pid ${child.pid}) does not end on SIGKILL`);
  };

  const end = performance.now() + (options.readyTimeoutMs ?? 15_000);
  while (!(await isHealthy(clientUrl))) {
    if (ending === undefined && performance.now() < end) {
      await sleep(25);
      continue;
    }
    const cause = ending ?? `it did not answer on ${clientUrl} in time`;
    await stop();
    throw new Error(
      `${binary} did not start: ${cause}. The end of ${logFile}:\n${logTail(logFile)}`,
    );
  }
  const pid = child.pid;
  if (pid === undefined || ending !== undefined) {
    throw new Error(
      `${binary} did not stay up: ${ending}. The end of ${logFile}:\n${logTail(logFile)}`,
    );
  }
  return { endpoint: `${urlHost(host)}:${clientPort}`, pid, exited, stop };
}
