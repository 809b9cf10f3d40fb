import Table from 'cli-table3';
import pc from 'picocolors';
import type { Architecture, CallSource } from '../architecture/architecture.ts';

const SOURCES: Readonly<Record<CallSource, string>> = {
  declared: 'weft.yaml',
  listed: 'registration',
  observed: 'traffic',
};

interface Sheet {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const list = (items: readonly string[], separator = ', ') => items.join(separator) || '-';

function sheetsOf(architecture: Architecture): Sheet[] {
  const { services, interfaces, stores, configuration, nodes, map } = architecture;
  return [
    {
      title: 'S: services',
      head: ['service', 'offers', 'depends on', 'in weft.yaml'],
      rows: services.map(({ name, offers, dependencies, isDeclared }) => [
        name,
        list(offers, '\n'),
        list(dependencies, '\n'),
        isDeclared ? 'yes' : 'no',
      ]),
    },
    {
      title: 'I: interfaces',
      head: ['interface', 'methods', 'offered by'],
      rows: interfaces.map(({ name, methods, providers }) => [
        name,
        list(methods, '\n'),
        list(providers, '\n'),
      ]),
    },
    {
      title: 'D: data stores',
      head: ['service', 'store', 'from'],
      rows: stores.map(({ service, name, isDataFolder }) => [
        service,
        name,
        isDataFolder ? '$WEFT_DATA_DIR' : 'stores',
      ]),
    },
    {
      title: 'C: configuration',
      head: ['service', 'setting', 'value'],
      rows: configuration.map(({ service, name, value }) => [service, name, value]),
    },
    {
      title: 'N: nodes',
      head: ['service', 'instance', 'address', 'version', 'is up'],
      rows: nodes.map(({ service, instance, address, version, isLive }) => [
        service,
        instance,
        address,
        version || '-',
        isLive ? 'yes' : 'no',
      ]),
    },
    {
      title: 'M: S x I -> S',
      head: ['caller', 'interface', 'provider', 'known from'],
      rows: map.map(({ caller, interface: name, provider, sources }) => [
        caller,
        name || '-',
        provider,
        list(sources.map((source) => SOURCES[source])),
      ]),
    },
  ];
}

/** The six sets as tables. */
export function architectureTables(architecture: Architecture, isColored: boolean): string {
  const colors = pc.createColors(isColored);
  return sheetsOf(architecture)
    .map(({ title, head, rows }) => {
      const table = new Table({
        head: head.map((text) => colors.bold(text)),
        style: { head: [], border: [] },
      });
      table.push(...rows.map((row) => [...row]));
      return `${colors.bold(title)}\n${table.toString()}`;
    })
    .join('\n\n');
}
