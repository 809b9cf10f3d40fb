import type { Catalog } from '../store/catalog.ts';
import type { EventBook } from './event-book.ts';
import { instanceEvent } from './instance-events.ts';

/** Writes every change of a catalog into the book, but for the first fill; the answer ends that. */
export function followCatalog(catalog: Catalog, book: EventBook): () => void {
  return catalog.subscribe((notice) => {
    if (notice.kind === 'stale') return;
    const time = new Date();
    const { events, before } = notice;
    book.add(events.map((event, index) => instanceEvent(before[index], event, time)));
  });
}
