import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { OrchestratorError } from '../errors.ts';
import { superviseChild } from './child.ts';
import type { ManagedProcess } from './managed-process.ts';
import { childEnvironment, type Program, programFault } from './program.ts';

/** A child that shares our standard output and standard error. */
export interface AttachedProcess extends ManagedProcess {
  /** Call it after the end. @returns the exit code, or 128 + n after signal n, as in shells */
  end(): { code: number; isBySigterm: boolean };
}

/** The exit code of shells for a program that does not exist. */
const NOT_FOUND = 127;

/**
 * Starts a program in a group of its own, so that a Ctrl-C in the terminal reaches only us.
 * @throws OrchestratorError if there is no such program
 */
export function startAttached(program: Program, restGraceMs: number): AttachedProcess {
  const fault = programFault(program);
  if (fault !== undefined) throw new OrchestratorError(fault);
  const [name = '', ...parameters] = program.command;
  const child = spawn(name, parameters, {
    cwd: program.folder,
    // The user starts the program in a shell, and expects the variables of that shell.
    env: childEnvironment({ ...program, etcdVariables: Object.keys(process.env) }),
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return {
    ...superviseChild(child, restGraceMs),
    end() {
      const { exitCode, signalCode } = child;
      const code =
        signalCode === null ? (exitCode ?? NOT_FOUND) : 128 + constants.signals[signalCode];
      return { code: code < 0 ? NOT_FOUND : code, isBySigterm: signalCode === 'SIGTERM' };
    },
  };
}
