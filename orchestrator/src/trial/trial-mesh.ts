import type { TrialCall } from '../topology/topology.ts';

/** A mesh to try things on. */
export interface TrialMesh {
  /** Starts a service; answers why it did not become healthy in its time, undefined when it did. */
  start(service: string): Promise<string | undefined>;
  /** Waits until a service that did not start at once is healthy. @throws when it does not become so */
  settle(service: string): Promise<void>;
  /** Stops a service; resolves when it is not listed any more. */
  stop(service: string): Promise<void>;
  /** Whether it answers SERVING, asked for its own health. */
  isHealthy(service: string): Promise<boolean>;
  /** Tells one run of its process from the next. */
  runOf(service: string): string;
  /** Makes a call; answers the name of the status it ended with, `OK` for none. Never rejects. */
  call(service: string, call: TrialCall): Promise<string>;
}
