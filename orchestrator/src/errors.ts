/** Something the user can act on: the message says what was wrong, where, and what to do. */
export class OrchestratorError extends Error {
  override readonly name: string = 'OrchestratorError';
}

/** A command of weft.yaml cannot run. */
export class ProgramError extends OrchestratorError {
  override readonly name = 'ProgramError';
}

/** A port that weft.yaml fixes cannot be had. */
export class PortError extends OrchestratorError {
  override readonly name = 'PortError';
}
