import type { SlotGroup } from './slot/slot-group.ts';
import { editNotes, editsFor } from './topology/edits.ts';
import { loadTopology } from './topology/load-topology.ts';
import type { ServiceSpec, Topology } from './topology/topology.ts';

/** What runs of weft.yaml: as the file said when the mesh started, and at later restarts of its services. */
export class RunningTopology {
  readonly #onNews: (text: string) => void;
  #current: Topology;

  constructor(topology: Topology, onNews: (text: string) => void) {
    this.#current = topology;
    this.#onNews = onNews;
  }

  get current(): Topology {
    return this.#current;
  }

  specOf(name: string): ServiceSpec {
    const spec = this.#current.services.find((service) => service.name === name);
    if (spec === undefined) throw new Error(`no service ${name}`);
    return spec;
  }

  /**
   * Restarts services one after the other, each as weft.yaml says now.
   * @returns what became of edits of weft.yaml, in sentences
   * @throws OrchestratorError if weft.yaml cannot be used as it is now, nothing being restarted; else as
   * `SlotGroup.restart` does
   */
  async restart(groups: readonly SlotGroup[]): Promise<string[]> {
    const before = this.#current;
    const edited = loadTopology(before.file, undefined, this.#onNews);
    const names = groups.map(({ name }) => name);
    const edits = editsFor(before, edited, names);
    this.#current = edits.topology;
    for (const [index, group] of groups.entries()) {
      try {
        await group.restart();
      } catch (error) {
        // This one and those after it run on as they were.
        this.#current = editsFor(before, edited, names.slice(0, index)).topology;
        throw error;
      }
    }
    return editNotes(edits, before.file);
  }
}
