import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Pause } from './slow-machine.ts';

const program = join(import.meta.dirname, 'instance.ts');

interface Member {
  readonly id: string;
  readonly child: ChildProcess;
  readonly registered: Promise<unknown>;
}

/** The instances of the chaos service, each a process. Always close it. */
export class Fleet {
  readonly #registry: string;
  readonly #service: string;
  readonly #logFile: string;
  readonly #random: () => number;
  readonly #ends = new Map<string, number>();
  readonly #kills: number[] = [];
  #members: Member[] = [];
  #started = 0;

  constructor(registry: string, service: string, logFile: string, random: () => number) {
    this.#registry = registry;
    this.#service = service;
    this.#logFile = logFile;
    this.#random = random;
  }

  /** When each instance was killed or told to end, in ms since the epoch. */
  get ends(): ReadonlyMap<string, number> {
    return this.#ends;
  }

  /** When instances were killed, in ms since the epoch. */
  get kills(): readonly number[] {
    return this.#kills;
  }

  /** Starts `count` instances, and resolves when all are registered. */
  async start(count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) this.#add();
    await Promise.all(this.#members.map(({ registered }) => registered));
  }

  /** Replaces one instance after another until `signal` aborts: some are killed, some drain. */
  async disturb(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(1000 + this.#random() * 3000, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      await this.#replace(this.#random() < 0.7 ? 'SIGKILL' : 'SIGTERM');
    }
  }

  /** What the instances have noted: whose handlers started, by call, and when they got no turn. */
  readLog(): { readonly runs: ReadonlyMap<string, string[]>; readonly pauses: Pause[] } {
    const runs = new Map<string, string[]>();
    const pauses: Pause[] = [];
    for (const line of readFileSync(this.#logFile, 'utf8').split('\n')) {
      const [first = '', second = '', third] = line.split(' ');
      if (first === '') continue;
      if (first === 'pause') {
        pauses.push({ from: Number(second), until: Number(third) });
        continue;
      }
      const known = runs.get(first);
      if (known === undefined) runs.set(first, [second]);
      else known.push(second);
    }
    return { runs, pauses };
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#members.map(async ({ child }) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const exit = once(child, 'exit');
        child.kill('SIGKILL');
        await exit;
      }),
    );
  }

  async #replace(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const victim = this.#members[Math.floor(this.#random() * this.#members.length)] as Member;
    this.#members = this.#members.filter((member) => member !== victim);
    const next = this.#add();
    // A drain needs somebody who takes over; after a kill the others carry on alone.
    if (signal === 'SIGTERM') await next.registered;
    const at = Date.now();
    this.#ends.set(victim.id, at);
    if (signal === 'SIGKILL') this.#kills.push(at);
    const exit = once(victim.child, 'exit');
    victim.child.kill(signal);
    await Promise.all([exit, next.registered]);
  }

  #add(): Member {
    const id = `i${this.#started}`;
    this.#started += 1;
    const args = ['--conditions=weft-source', '--no-warnings', program];
    const child = spawn(process.execPath, [...args, this.#service, id, this.#logFile], {
      env: { ...process.env, WEFT_REGISTRY: this.#registry },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const member = { id, child, registered: once(child, 'message') };
    this.#members.push(member);
    return member;
  }
}
