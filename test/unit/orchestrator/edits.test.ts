import { describe, expect, it } from '@jest/globals';
import { editNotes, editsFor } from '../../../orchestrator/src/topology/edits.ts';
import { parseTopology } from '../../../orchestrator/src/topology/parse-topology.ts';

const FILE = 'weft.yaml';
const before = `services:
  shop: { command: run shop, port: 7001, environment: { A: 1 } }
  stock: { command: run stock }
`;

function edits(after: string, restarted: string[]) {
  return editsFor(parseTopology(before, FILE), parseTopology(after, FILE), restarted);
}

describe('a restart after weft.yaml was edited', () => {
  it('applies what makes the process of a service', () => {
    const after = before
      .replace('run shop', 'run new')
      .replace('A: 1', 'A: 2')
      .replace('port: 7001', 'port: 7001, stopTimeoutMs: 5, health: { intervalMs: 50 }');
    const { topology, applied, ignored } = edits(after, ['shop']);
    expect({ applied, ignored }).toEqual({ applied: ['shop'], ignored: [] });
    expect(topology).toEqual(parseTopology(after, FILE));
  });

  it('says what it leaves as it was', () => {
    const after = `host: 127.0.0.2
registry: { port: 7401 }
services:
  shop: { command: run shop, port: 7002, instances: 2, environment: { A: 1 }, dependencies: [more] }
  more: { command: run more }
`;
    const found = edits(after, ['shop']);
    expect(found.topology).toEqual(parseTopology(before, FILE));
    expect(found.applied).toEqual([]);
    expect(found.ignored).toEqual([
      'host',
      'registry',
      'services.shop.instances',
      'services.shop.port',
      'services.shop.dependencies',
      'services.stock (removed)',
      'services.more (added)',
    ]);
    expect(editNotes(found, FILE)).toEqual([
      expect.stringMatching(
        /^weft\.yaml was edited, and no restart applies: host, .*; run weft scale for instances, and down and up/,
      ),
    ]);
  });

  it('leaves services alone that are not restarted', () => {
    const after = before.replace('run stock', 'run other');
    expect(edits(after, ['shop'])).toEqual({
      topology: parseTopology(before, FILE),
      applied: [],
      waiting: ['services.stock.command'],
      ignored: [],
    });
    expect(editNotes(edits(after, ['shop']), FILE)).toEqual([
      'weft.yaml was edited, and these services were not restarted: services.stock.command; run weft restart for each',
    ]);
    expect(edits(after, ['shop', 'stock']).applied).toEqual(['stock']);
  });

  it('gives restarted services the calls as they are now', () => {
    const after = `${before}calls: { defaults: { maxInFlight: 5 } }`;
    const { topology, applied, ignored } = edits(after, ['shop']);
    expect({ applied, ignored }).toEqual({ applied: ['shop'], ignored: [] });
    expect(topology.calls).toEqual({ defaults: { maxInFlight: 5 } });
  });

  it('says nothing when nothing was edited', () => {
    expect(editNotes(edits(before, ['shop', 'stock']), FILE)).toEqual([]);
    // `weft verify` reads these from the file.
    const after = before.replace('run stock', 'run stock, verify: [{ call: Get }]');
    expect(editNotes(edits(after, ['shop']), FILE)).toEqual([]);
  });
});
