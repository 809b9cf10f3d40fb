/** Something the user can act on: the message says what was wrong, where, and what to do. */
export class OrchestratorError extends Error {
  override readonly name: string = 'OrchestratorError';
}

/** A port that weft.yaml fixes cannot be had. */
export class PortError extends OrchestratorError {
  override readonly name = 'PortError';
}
