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

  constructor(setting: string, mustBe: string, value: unknown) {
    super('INVALID_CONFIG', `${setting} must be ${mustBe}, not ${String(value)}`);
    this.name = 'ConfigError';
    this.setting = setting;
  }
}

/** What every use of a closed mesh fails with. */
export function closedError(): WeftError {
  return new WeftError('MESH_CLOSED', 'this mesh is closed; create another');
}
