import type { Box, Link, Point } from './layered-layout.ts';
import type { WireArchitecture } from './wire.ts';

export type PartKind = 'interface' | 'store' | 'configuration' | 'node';

/** Something of a service, drawn on it. */
export interface Part {
  readonly id: string;
  readonly kind: PartKind;
  readonly label: string;
  /** From the centre of the service's box. */
  readonly offset: Point;
  readonly width: number;
  readonly height: number;
  /** Of a node: whether it is up. */
  readonly isLive: boolean;
}

/** A service and what is drawn on it. */
export interface ServiceBox extends Box {
  readonly name: string;
  readonly isBroken: boolean;
  readonly isKnown: boolean;
  readonly parts: readonly Part[];
}

/** An arrow of the map M. */
export interface CallArrow extends Link {
  /** The interface of the provider that it leads to; the provider itself where none is known. */
  readonly target: string;
  readonly how: 'observed' | 'declared' | 'undeclared';
}

export interface ArchitectureBoxes {
  readonly services: readonly ServiceBox[];
  readonly arrows: readonly CallArrow[];
}

const WIDTH = 300;
const MARGIN = 12;
const INNER = WIDTH - 2 * MARGIN;
const HALF = (INNER - 8) / 2;
const HEAD = 34;
const ROW = 30;
const GAP = 8;
/** Of one kind drawn on a service; of more, the last says how many. */
const MOST = { interface: 6, store: 4, node: 6 } as const;

type Bare = Pick<Part, 'id' | 'kind' | 'label'> & { isLive?: boolean };

const lastOf = (path: string) => path.split(/[/\\]/).filter(Boolean).at(-1) ?? path;

function shortened(text: string, most: number): string {
  return text.length > most ? `…${text.slice(1 - most)}` : text;
}

/** The first of some parts; instead of the rest, one that counts them. */
function firstOf(parts: readonly Bare[], most: number): Bare[] {
  if (parts.length <= most) return [...parts];
  const [first] = parts;
  if (first === undefined) return [];
  const rest = { ...first, id: `${first.id} rest`, label: `+ ${parts.length - most + 1} more` };
  return [...parts.slice(0, most - 1), rest];
}

/** Puts parts into rows of one or two below each other. Answers them and how high that is. */
function stack(groups: readonly { parts: readonly Bare[]; each: 1 | 2 }[]) {
  const parts: Omit<Part, 'offset'>[] = [];
  const corners: Point[] = [];
  let top = HEAD;
  for (const { parts: group, each } of groups) {
    const width = each === 1 ? INNER : HALF;
    group.forEach((part, index) => {
      const column = index % each;
      parts.push({ isLive: true, ...part, width, height: ROW });
      corners.push({ x: MARGIN + column * (HALF + GAP), y: top });
      if (column === each - 1 || index === group.length - 1) top += ROW + GAP;
    });
  }
  const height = top + MARGIN - GAP;
  return {
    height,
    parts: parts.map((part, index) => {
      const { x, y } = corners[index] ?? { x: 0, y: 0 };
      return {
        ...part,
        offset: { x: x + part.width / 2 - WIDTH / 2, y: y + part.height / 2 - height / 2 },
      };
    }),
  };
}

export const interfaceId = (service: string, name: string) => `interface ${service} ${name}`;
export const serviceId = (service: string) => `service ${service}`;

/** Services as boxes with their interfaces, stores, settings and nodes on them; the map M as arrows. Pure. */
export function architectureBoxes(architecture: WireArchitecture): ArchitectureBoxes {
  const { services, stores, configuration, nodes, calls, rules } = architecture;
  const broken = new Set(
    rules.flatMap(({ breaches }) => breaches.flatMap((breach) => breach.services)),
  );
  const storesOf = Map.groupBy(stores, ({ service }) => service);
  const settingsOf = Map.groupBy(configuration, ({ service }) => service);
  const nodesOf = Map.groupBy(nodes, ({ service }) => service);
  const shownInterfaces = new Set<string>();

  const boxOf = (name: string, offers: readonly string[], isKnown: boolean): ServiceBox => {
    const interfaces = firstOf(
      offers.map((offer) => ({
        id: interfaceId(name, offer),
        kind: 'interface',
        label: shortened(offer, 38),
      })),
      MOST.interface,
    );
    for (const { id } of interfaces) shownInterfaces.add(id);
    const held = (storesOf.get(name) ?? []).map((store) => ({
      id: `store ${name} ${store.name}`,
      kind: 'store' as const,
      label: shortened(lastOf(store.name), 18),
    }));
    const settings = settingsOf.get(name) ?? [];
    const count = settings.length === 1 ? '1 setting' : `${settings.length} settings`;
    const own = (nodesOf.get(name) ?? []).map(({ instance, address, isLive }) => ({
      id: `node ${name} ${instance}`,
      kind: 'node' as const,
      label: shortened(address, 21),
      isLive,
    }));
    const { parts, height } = stack([
      { parts: interfaces, each: 1 },
      {
        parts: [
          ...firstOf(held, MOST.store),
          ...(settings.length > 0
            ? [{ id: `configuration ${name}`, kind: 'configuration' as const, label: count }]
            : []),
        ],
        each: 2,
      },
      { parts: firstOf(own, MOST.node), each: 2 },
    ]);
    return {
      id: serviceId(name),
      name,
      width: WIDTH,
      height,
      isBroken: broken.has(name),
      isKnown,
      parts,
    };
  };

  const boxes = services.map(({ name, offers, isDeclared }) => boxOf(name, offers, isDeclared));
  const named = new Set(services.map(({ name }) => name));
  const missing = [...new Set(calls.flatMap(({ caller, provider }) => [caller, provider]))]
    .filter((name) => !named.has(name))
    .map((name) => boxOf(name, [], false));
  return {
    services: [...boxes, ...missing],
    arrows: calls.map(({ caller, interface: name, provider, sources }) => {
      const port = interfaceId(provider, name);
      const isDeclared = sources.includes('declared') || sources.includes('listed');
      const isSeen = sources.includes('observed');
      return {
        id: `call ${caller} ${name} ${provider}`,
        from: serviceId(caller),
        to: serviceId(provider),
        target: shownInterfaces.has(port) ? port : serviceId(provider),
        how: isSeen ? (isDeclared ? 'observed' : 'undeclared') : 'declared',
      };
    }),
  };
}
