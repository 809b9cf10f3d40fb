import { messageOf } from '@weft/proto';
import { isAlive } from '../process/process-identity.ts';
import { type Check, type Diagnosis, fail, pass, skip, warn } from './check.ts';

const ANSWER_MS = 2000;
const OLDEST = [3, 4] as const;
/** Of its quota; at all of it etcd stops writing. */
const FULL_SHARE = 0.8;
const DEFAULT_QUOTA_BYTES = 2 * 1024 ** 3;
const MB = 1024 * 1024;

/** What etcd's JSON gateway answers of a member. */
interface MemberStatus {
  readonly version?: string;
  readonly dbSize?: string;
  readonly leader?: string;
}

async function ask<Answer>(endpoint: string, path: string, body: object): Promise<Answer> {
  const response = await fetch(`http://${endpoint}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { connection: 'close' },
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`it answered ${response.status}: ${text.slice(0, 200)}`);
  return JSON.parse(text) as Answer;
}

function isOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
}

async function member(endpoint: string, prefix: string): Promise<Diagnosis[]> {
  const at = `etcd at ${endpoint}`;
  let status: MemberStatus;
  let alarms: { alarms?: { alarm?: string }[] };
  try {
    [status, alarms] = await Promise.all([
      ask<MemberStatus>(endpoint, '/v3/maintenance/status', {}),
      ask<typeof alarms>(endpoint, '/v3/maintenance/alarm', { action: 'GET' }),
    ]);
    await ask(endpoint, '/v3/kv/range', { key: btoa(`${prefix}/weft/v1/history`) });
  } catch (error) {
    const { cause } = error as Error;
    const why = cause instanceof Error ? messageOf(cause) : messageOf(error);
    if (/user name is empty|permission denied|invalid auth/.test(why)) {
      return [skip(`${at} lets only its users in: what the registry says of its store tells`)];
    }
    return [fail(`${at} does not answer: ${why}`, 'start it, or correct $ETCD_ENDPOINTS')];
  }
  const { version = '', dbSize = '0', leader = '0' } = status;
  const found: Diagnosis[] = [];
  if (isOld(version)) found.push(fail(`${at} is ${version}`, 'use etcd 3.4 or newer'));
  if (leader === '0') {
    found.push(fail(`${at} has no leader`, 'bring back most of its members'));
  }
  for (const { alarm } of alarms.alarms ?? []) {
    const advice =
      alarm === 'NOSPACE'
        ? 'nothing can be registered: compact and defragment it, then `etcdctl alarm disarm`'
        : 'see its log, and restore the member';
    found.push(fail(`${at} raised the alarm ${alarm}`, advice));
  }
  const bytes = Number(dbSize);
  const size = `${(bytes / MB).toFixed(1)} MB`;
  if (bytes > FULL_SHARE * DEFAULT_QUOTA_BYTES) {
    found.push(warn(`${at} holds ${size}`, 'compact it, or raise --quota-backend-bytes (2 GB)'));
  }
  return found.length > 0 ? found : [pass(`${at}, version ${version}, holds ${size}`)];
}

/** etcd, where the mesh is kept in one: each member by itself. */
export const checkEtcd: Check = {
  name: 'etcd',
  async look({ store, state, env, topology }) {
    if (store === undefined) return [skip('which store there is to be cannot be told')];
    if (store.kind === 'memory') {
      return [warn(`none: ${store.why}`, 'install etcd to keep what is registered')];
    }
    const isSecure = env.ETCD_CA || env.ETCD_ENDPOINTS?.includes('https://');
    if (isSecure) return [skip('it speaks TLS: what the registry says of its store tells')];
    const own = state !== undefined && isAlive(state.orchestrator) ? state.etcd : '';
    const endpoints = store.kind === 'named-etcd' ? store.endpoints : own;
    if (endpoints === '') return [pass(`${store.why}; it runs while a mesh is up`)];
    const prefix = topology?.etcd.prefix ?? '';
    const members = endpoints.split(',').map((endpoint) => member(endpoint, prefix));
    return (await Promise.all(members)).flat();
  },
};
