import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EventKind } from '@weft/proto/telemetry';
import { ArchitectureBook } from '../../../../registry/src/architecture/architecture-book.ts';
import { LeaseRenewals } from '../../../../registry/src/http/lease-renewals.ts';
import { LiveFeed } from '../../../../registry/src/http/live-feed.ts';
import { MeshModel } from '../../../../registry/src/page/mesh-model.ts';
import { Catalog } from '../../../../registry/src/store/catalog.ts';
import { EventBook } from '../../../../registry/src/telemetry/event-book.ts';
import { TrafficBook } from '../../../../registry/src/telemetry/traffic-book.ts';
import { seededRandom } from '../../../support/seeded-random.ts';
import { storedInstance } from '../fixtures.ts';

/** A feed, and pages that show what the feed tells. */
class Stage {
  readonly catalog = new Catalog();
  readonly events = new EventBook();
  readonly feed: LiveFeed;
  readonly pages: { model: MeshModel; close: () => void }[] = [];
  #histories = 0;

  constructor() {
    this.feed = new LiveFeed({
      catalog: this.catalog,
      traffic: new TrafficBook(),
      events: this.events,
      architecture: new ArchitectureBook(),
      renewals: new LeaseRenewals(this.catalog),
      hasActions: false,
      registry: () => '127.0.0.1:7400',
    });
    this.reset();
  }

  open(): void {
    const model = new MeshModel(() => performance.now());
    this.pages.push({ model, close: this.feed.subscribe((message) => model.apply(message)) });
  }

  happen(): void {
    this.events.add([
      {
        kind: EventKind.EVENT_KIND_EJECTED,
        service: 'a',
        instanceId: 'x',
        detail: '',
        time: new Date(),
        caller: undefined,
      },
    ]);
  }

  /** The catalog is read anew, as after the loss of etcd's data. */
  reset(): void {
    this.#histories += 1;
    this.catalog.replace([storedInstance()], 1n, `history ${this.#histories}`);
  }

  close(): void {
    for (const { close } of this.pages) close();
  }
}

describe('the feed of the pages', () => {
  let stage: Stage;
  beforeEach(() => {
    jest.useFakeTimers();
    stage = new Stage();
  });
  afterEach(() => {
    stage.close();
    jest.useRealTimers();
  });

  const shown = () =>
    stage.pages.map(({ model }) => model.events.map(({ sequence }) => Number(sequence)).reverse());

  it('tells an event once to a page that opens just after the event', () => {
    stage.open();
    stage.happen();
    stage.open();
    jest.advanceTimersByTime(1000);
    expect(shown()).toEqual([[1], [1]]);
  });

  it('tells an event once to all pages when the catalog is read anew just after the event', () => {
    stage.open();
    stage.open();
    stage.happen();
    stage.reset();
    jest.advanceTimersByTime(1000);
    expect(shown()).toEqual([[1], [1]]);
  });

  it.each([1, 2, 3, 4, 5])(
    'tells each page each event once, in order, whatever happens: seed %d',
    (seed) => {
      const random = seededRandom(seed);
      let happened = 0;
      for (let step = 0; step < 150; step += 1) {
        const dice = random();
        if (dice < 0.4) {
          stage.happen();
          happened += 1;
        } else if (dice < 0.5) stage.open();
        else if (dice < 0.6) stage.reset();
        else if (dice < 0.65) stage.pages.shift()?.close();
        else jest.advanceTimersByTime(Math.floor(100 * random()));
      }
      stage.open();
      jest.advanceTimersByTime(1000);
      const all = Array.from({ length: happened }, (_, index) => index + 1);
      for (const sequences of shown()) expect(sequences).toEqual(all);
    },
  );
});
