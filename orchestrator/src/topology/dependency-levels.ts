/** Who needs whom. */
export interface Dependent {
  readonly name: string;
  readonly dependencies: readonly string[];
}

/**
 * A cycle among the dependencies as the names along it, the first repeated at the end
 * (`['a', 'b', 'a']`); undefined when there is none. Names not among `nodes` are passed over.
 */
export function findCycle(nodes: readonly Dependent[]): string[] | undefined {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (name: string): string[] | undefined => {
    const seenAt = trail.indexOf(name);
    if (seenAt >= 0) return [...trail.slice(seenAt), name];
    if (done.has(name)) return undefined;
    trail.push(name);
    for (const next of byName.get(name)?.dependencies ?? []) {
      const cycle = visit(next);
      if (cycle) return cycle;
    }
    trail.pop();
    done.add(name);
    return undefined;
  };
  for (const { name } of nodes) {
    const cycle = visit(name);
    if (cycle) return cycle;
  }
  return undefined;
}

/**
 * Groups nodes so that each stands in a later level than all it depends on, as early as it can; the
 * order within a level is the given one. All dependencies must be among `nodes`, without a cycle.
 */
export function dependencyLevels<Node extends Dependent>(nodes: readonly Node[]): Node[][] {
  const levels: Node[][] = [];
  const placed = new Set<string>();
  let rest = [...nodes];
  while (rest.length > 0) {
    const level = rest.filter((node) => node.dependencies.every((name) => placed.has(name)));
    if (level.length === 0) throw new Error('dependencies are unknown or form a cycle');
    for (const { name } of level) placed.add(name);
    levels.push(level);
    rest = rest.filter((node) => !placed.has(node.name));
  }
  return levels;
}
