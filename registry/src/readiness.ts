import { type HealthState, ServingStatus } from '@weft/proto';
import { RegistryServiceDefinition } from '@weft/proto/registry';
import type { Catalog } from './store/catalog.ts';

/**
 * Tells by `health` whether clients should come here: SERVING once the catalog is filled, and while it
 * is current or was so less than `unreadyAfterMs` (default 5000) ago. Reads go on from it in any case.
 * The answer ends that.
 */
export function followReadiness(
  health: HealthState,
  catalog: Catalog,
  unreadyAfterMs = 5000,
): () => void {
  let timer: NodeJS.Timeout | undefined;
  let wasFilled = false;
  const tell = (status: ServingStatus) => {
    if (health.get('') === status) return;
    health.set('', status);
    health.set(RegistryServiceDefinition.fullName, status);
  };
  const update = () => {
    if (!catalog.isComplete) return;
    if (!catalog.isStale || !wasFilled) {
      clearTimeout(timer);
      timer = undefined;
      tell(ServingStatus.SERVING);
    }
    wasFilled = true;
    if (!catalog.isStale) return;
    timer ??= setTimeout(() => tell(ServingStatus.NOT_SERVING), unreadyAfterMs).unref();
  };
  const unsubscribe = catalog.subscribe(({ kind }) => {
    if (kind !== 'events') update();
  });
  update();
  return () => {
    unsubscribe();
    clearTimeout(timer);
  };
}
