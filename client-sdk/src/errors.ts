/** Base of the errors that the SDK itself raises; failed calls are nice-grpc's ClientError. */
export class WeftError extends Error {
  /** Stable, upper snake case: programs match on it, never on the message. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'WeftError';
    this.code = code;
  }
}

/** A setting that cannot be used. Thrown where it was given, before anything starts. */
export class ConfigError extends WeftError {
  /** Path of the setting: `breaker.failures`. */
  readonly setting: string;
  /** What is wrong with it, to be read after its path. */
  readonly complaint: string;

  /** `breaker.failures must be a whole number from 1, not 0` */
  constructor(setting: string, mustBe: string, value: unknown);
  /** `braker is no known field; did you mean breaker?` */
  constructor(setting: string, complaint: string);
  constructor(setting: string, text: string, ...value: unknown[]) {
    const complaint = value.length === 0 ? text : `must be ${text}, not ${String(value[0])}`;
    super('INVALID_CONFIG', `${setting} ${complaint}`);
    this.name = 'ConfigError';
    this.setting = setting;
    this.complaint = complaint;
  }
}

/** What every use of a closed mesh fails with. */
export function closedError(): WeftError {
  return new WeftError('MESH_CLOSED', 'this mesh is closed; create another');
}
