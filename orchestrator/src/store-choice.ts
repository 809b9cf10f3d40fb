import { messageOf } from '@weft/proto';
import { OrchestratorError } from './errors.ts';
import { findEtcd } from './etcd/etcd-binary.ts';

/** What `registry.store` of weft.yaml may say; auto takes etcd where there is one. */
export const STORE_CHOICES = ['auto', 'etcd', 'memory'] as const;
export type StoreChoice = (typeof STORE_CHOICES)[number];

/** Which store the registry gets. */
export type ChosenStore =
  | { readonly kind: 'memory'; readonly why: string }
  /** An etcd that someone else runs. */
  | { readonly kind: 'named-etcd'; readonly endpoints: string; readonly why: string }
  /** An etcd that we run. */
  | { readonly kind: 'own-etcd'; readonly binary: string; readonly why: string };

interface Surroundings {
  /** Default: the environment of this process. */
  env?: NodeJS.ProcessEnv;
  /** Finds the etcd program; undefined when there is none. */
  find?: (env: NodeJS.ProcessEnv) => string | undefined;
}

/**
 * Chooses the store: memory where it is asked for, else $ETCD_ENDPOINTS, else an etcd program, else memory.
 * @throws OrchestratorError when etcd is asked for and there is none.
 */
export function chooseStore(
  choice: StoreChoice,
  { env = process.env, find = findEtcd }: Surroundings = {},
): ChosenStore {
  if (choice === 'memory') return { kind: 'memory', why: 'weft.yaml asks for it' };
  const endpoints = (env.ETCD_ENDPOINTS ?? '')
    .split(',')
    .map((endpoint) => endpoint.trim().replace(/^http:\/\//, ''))
    .join(',');
  if (endpoints !== '') {
    return { kind: 'named-etcd', endpoints, why: `$ETCD_ENDPOINTS names ${endpoints}` };
  }
  let binary: string | undefined;
  try {
    binary = find(env);
  } catch (error) {
    throw new OrchestratorError(`${messageOf(error)}; name an etcd program or unset it.`);
  }
  if (binary !== undefined) return { kind: 'own-etcd', binary, why: `found ${binary}` };
  if (choice === 'etcd') {
    throw new OrchestratorError(
      'weft.yaml asks for the store etcd, and there is none: install etcd, or set $ETCD_BIN or $ETCD_ENDPOINTS.',
    );
  }
  return { kind: 'memory', why: 'no etcd in PATH, $ETCD_BIN or $ETCD_ENDPOINTS' };
}
