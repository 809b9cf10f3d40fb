import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Registry } from '@weft/registry';
import { eventually } from '../support/eventually.ts';
import { failureOf } from '../support/services.ts';
import { WatchRecorder } from '../support/watch-recorder.ts';
import { at, labels, RegistryHarness } from './registry-harness.ts';

const COUNT = 80;

/** A service whose instances, each as large as it may be, do not fit into one message. */
export function describeLarge(store: string, create: () => Promise<Registry>): void {
  describe(`a large service on ${store}`, () => {
    const the = new RegistryHarness(create);
    const ids = Array.from({ length: COUNT }, (_, index) => `i${100 + index}`);
    let first = 0n;

    beforeAll(async () => {
      the.next();
      const written = await Promise.all(
        ids.map((id, index) => {
          const metadata = labels(16, 'x'.repeat(4000));
          return the.client.register(the.request({ id, address: at(1 + index), metadata }));
        }),
      );
      first = written.map(({ revision }) => revision).reduce((a, b) => (a < b ? a : b));
    });

    it('is listed page by page, each page as large as a message may be', async () => {
      const sizes: number[] = [];
      const found: string[] = [];
      let pageToken = '';
      do {
        const page = await the.client.listInstances({ pageSize: 1000, pageToken });
        sizes.push(page.instances.length);
        found.push(...page.instances.map(({ id }) => id));
        pageToken = page.nextPageToken;
      } while (pageToken !== '');
      expect(found).toEqual(ids);
      expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThan(10);
    });

    it('is refused as one answer, naming the way to read it', async () => {
      const { service } = the;
      const call = () => the.client.getService({ service });
      expect(await failureOf(call())).toEqual({
        code: 'RESOURCE_EXHAUSTED',
        reason: 'ANSWER_TOO_LARGE',
      });
      await expect(call()).rejects.toThrow(/ListInstances/);
    });

    it('is watched: a snapshot in parts at one revision, then what changed', async () => {
      const watch = new WatchRecorder(the.client);
      await eventually(() => expect(watch.held.size).toBe(COUNT));
      const parts = watch.messages.map(({ snapshot }) => snapshot);
      expect(parts.length).toBeGreaterThan(2);
      expect(new Set(parts.map((part) => part?.revision)).size).toBe(1);
      const last = parts.length - 1;
      expect(parts.map((part) => part?.more)).toEqual(parts.map((_, index) => index < last));
      await watch.stop();
    });

    it('is watched on from a revision, many changes at once', async () => {
      const watch = new WatchRecorder(the.client, { fromRevision: first });
      await eventually(() => expect(watch.held.size).toBe(COUNT - 1));
      expect(watch.messages.length).toBeGreaterThan(2);
      expect(watch.messages.every(({ snapshot }) => snapshot === undefined)).toBe(true);
      await watch.stop();
    });
  });
}
