import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { messageOf } from '@weft/proto';
import { endText, GroupEnd } from './group-end.ts';
import { openLog } from './log-file.ts';
import type { ManagedProcess } from './managed-process.ts';
import { childEnvironment, type Program, programFault } from './program.ts';

export type { Program };

export interface ChildOptions extends Program {
  /** Its output is appended here. */
  readonly logFile: string;
  /**
   * How long what the program leaves behind in its group when it ends by itself has between SIGTERM and
   * SIGKILL. Default 5000.
   */
  readonly restGraceMs?: number | undefined;
}

function endReason(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `exit code ${code}` : `signal ${signal}`;
}

function spawnLogged(options: ChildOptions): ChildProcess {
  const { command, folder, logFile } = options;
  const [program = '', ...parameters] = command;
  const log = openLog(logFile);
  try {
    return spawn(program, parameters, {
      cwd: folder,
      env: childEnvironment(options),
      detached: true,
      stdio: ['ignore', log, log],
    });
  } finally {
    closeSync(log);
  }
}

function failedProcess(reason: string, isFinal = false): ManagedProcess {
  return { pid: undefined, exited: Promise.resolve(reason), isFinal, terminate() {} };
}

/**
 * Starts a process in a group of its own, so that a Ctrl-C in the terminal reaches only us, writing
 * straight to its log, so that it lives on when we crash. It has ended when its whole group has.
 */
export function startChild(options: ChildOptions): ManagedProcess {
  const fault = programFault(options);
  if (fault !== undefined) return failedProcess(fault, true);
  let child: ChildProcess;
  try {
    child = spawnLogged(options);
  } catch (error) {
    return failedProcess(`could not be started (${messageOf(error)})`);
  }
  return superviseChild(child, options.restGraceMs);
}

/** A child that leads a group of its own, as a managed process. @param restGraceMs see `ChildOptions` */
export function superviseChild(child: ChildProcess, restGraceMs?: number): ManagedProcess {
  const { promise: exited, resolve } = Promise.withResolvers<string>();
  const { pid } = child;
  const end = pid === undefined ? undefined : new GroupEnd(pid, restGraceMs);
  child.once('error', ({ message }) => resolve(`could not be started (${message})`));
  child.once('exit', async (code, signal) => {
    const isRestKilled = (await end?.rest()) ?? false;
    resolve(endText(endReason(code, signal), isRestKilled));
  });
  return { pid, exited, terminate: (graceMs) => end?.ask(graceMs) };
}
