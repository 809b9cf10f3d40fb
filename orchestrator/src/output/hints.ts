import { pageUrl } from './page-url.ts';
import { weftCommand } from './weft-command.ts';

/** What of a mesh the hints name. */
export interface HintedMesh {
  readonly registryAddress: string;
  /** Of the web page, `host:port`. */
  readonly pageAddress: string;
  /** Empty on the memory store. */
  readonly etcdEndpoints: string;
  /** Prefix of its keys in etcd. */
  readonly etcdPrefix: string;
  groups(): readonly { readonly name: string }[];
}

/**
 * What to try next, as commands to copy, for the mesh of `file`.
 * @param isDetached Whether no terminal stops the mesh.
 */
export function hints(mesh: HintedMesh, file: string, isDetached = false): string {
  const weft = (words: string) =>
    weftCommand(file === 'weft.yaml' ? words : `--file ${file} ${words}`);
  const grpcurl = `grpcurl -plaintext ${mesh.registryAddress}`;
  const etcdctl = `ETCDCTL_API=3 etcdctl --endpoints ${mesh.etcdEndpoints}`;
  const [first] = mesh.groups();
  const lines: [command: string, what: string][] = [
    [pageUrl(mesh.pageAddress), 'the web page: services, calls, breakers, events'],
    [weft('status'), 'this table again'],
    [weft(`call ${first?.name} <Method> '{...}'`), 'a call by name, through the mesh'],
    [weft(`scale ${first?.name}=3`), 'more instances'],
    [`${grpcurl} list`, 'what the registry offers'],
    [`${grpcurl} weft.registry.v1.RegistryService/ListInstances`, 'every instance, its address'],
    [weft('down'), isDetached ? 'stops everything' : 'or Ctrl-C here: stops everything'],
  ];
  if (mesh.etcdEndpoints !== '') {
    lines.splice(-1, 0, [`${etcdctl} get --prefix ${mesh.etcdPrefix}/weft/v1/`, 'what etcd holds']);
  }
  const width = Math.max(...lines.map(([command]) => command.length));
  return lines.map(([command, what]) => `  ${command.padEnd(width)}   ${what}`).join('\n');
}
