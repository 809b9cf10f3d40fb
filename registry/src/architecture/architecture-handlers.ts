import type { ArchitectureServiceImplementation } from '@weft/proto/architecture';
import type { ArchitectureBook } from './architecture-book.ts';
import { checkPublication } from './architecture-rules.ts';

/** The rpc by which whoever runs the mesh shows its architecture. */
export function architectureHandlers(book: ArchitectureBook): ArchitectureServiceImplementation {
  return {
    async publishArchitecture(request) {
      checkPublication(request);
      book.publish(request);
      return {};
    },
  };
}
