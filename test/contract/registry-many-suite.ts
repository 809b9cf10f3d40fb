import { describe, expect, it } from '@jest/globals';
import type { RegisterResult } from '@weft/proto/registry';
import type { Registry } from '@weft/registry';
import { BadRequest, ErrorInfo, ResourceInfo, RichClientError } from 'nice-grpc-error-details';
import { badFields, failureOf } from '../support/services.ts';
import { at, labels, type Register, RegistryHarness } from './registry-harness.ts';

const types = [BadRequest, ErrorInfo, ResourceInfo];

/** The details of a status, as a client of Register would have them. */
function detailsOf({ details }: NonNullable<RegisterResult['refused']>) {
  return details.map(({ typeUrl, value }) => {
    const type = types.find(({ $type }) => typeUrl === `type.googleapis.com/${$type}`);
    return type?.decode(value);
  });
}

/** What RegisterMany must do over gRPC, whatever the store. */
export function describeMany(store: string, create: () => Promise<Registry>): void {
  describe(`RegisterMany on ${store}`, () => {
    const the = new RegistryHarness(create);
    const numbered = (count: number, over: Register['instance'] = {}): Register[] =>
      Array.from({ length: count }, (_, index) => ({
        ...the.request({ id: `i${index}`, incarnation: `run-${index}`, ...over }),
        ttlSeconds: 600,
      }));

    it('lists each under a lease of its own, in the order asked', async () => {
      the.next();
      const { results } = await the.client.registerMany({ registrations: numbered(300) });
      const answers = results.map(({ registered }) => registered);
      expect(answers.map((answer) => answer?.instance?.id)).toEqual(
        numbered(300).map(({ instance }) => instance?.id),
      );
      const leaseIds = answers.map((answer) => answer?.leaseId ?? 0n);
      expect(new Set(leaseIds).size).toBe(300);
      const { instances } = await the.client.getService({ service: the.service });
      expect(new Set(instances.map(({ leaseId }) => leaseId))).toEqual(new Set(leaseIds));
      for (const answer of answers) {
        expect(answer?.instance).toMatchObject({
          leaseId: answer?.leaseId,
          modRevision: answer?.revision,
          ttlSeconds: 600,
        });
      }
      const again = await the.client.registerMany({ registrations: numbered(300) });
      expect(again.results.map(({ registered }) => registered?.leaseId)).toEqual(leaseIds);
    });

    it('refuses each by itself, with what Register would have refused it with', async () => {
      the.next();
      await the.register({ id: 'taken' });
      const registrations: Register[] = [
        the.request({ id: 'good' }),
        the.request({ id: 'taken', address: at(5001) }),
        {},
        { ...the.request({ weight: -1 }), ttlSeconds: 1 },
        the.request({ id: 'fine', address: at(5002) }),
      ];
      const { results } = await the.client.registerMany({ registrations });
      expect(results.map(({ registered }) => registered?.instance?.id)).toEqual([
        'good',
        undefined,
        undefined,
        undefined,
        'fine',
      ]);
      for (const index of [1, 2, 3]) {
        const refused = results[index]?.refused;
        const alone: unknown = await the.client
          .register(registrations[index] ?? {})
          .catch((error: unknown) => error);
        if (!(alone instanceof RichClientError)) throw new Error('Register took it');
        expect(refused).toMatchObject({ code: alone.code, message: alone.details });
        expect(refused && detailsOf(refused)).toEqual(alone.extra);
      }
      const { instances } = await the.client.getService({ service: the.service });
      expect(instances.map(({ id }) => id)).toEqual(['fine', 'good', 'taken']);
    });

    it('lets one of two incarnations of the same instance win', async () => {
      the.next();
      const registrations = [1, 2, 3].map((run) =>
        the.request({ incarnation: `run-${run}`, address: at(5000 + run) }),
      );
      const { results } = await the.client.registerMany({ registrations });
      expect(results.filter(({ registered }) => registered)).toHaveLength(1);
      const { instances } = await the.client.getService({ service: the.service });
      expect(instances).toHaveLength(1);
    });

    it.each([0, 1001])('refuses %d registrations', async (count) => {
      the.next();
      const many = the.client.registerMany({ registrations: numbered(count) });
      expect(await failureOf(many)).toEqual(badFields('registrations'));
      expect(await failureOf(the.client.getService({ service: the.service }))).toMatchObject({
        code: 'NOT_FOUND',
      });
    });

    it('registers nothing where the answer would not fit into a message', async () => {
      the.next();
      const registrations = numbered(1000, { metadata: labels(1, 'x'.repeat(3950)) });
      expect(await failureOf(the.client.registerMany({ registrations }))).toEqual({
        code: 'RESOURCE_EXHAUSTED',
        reason: 'TOO_LARGE',
      });
      expect(await failureOf(the.client.getService({ service: the.service }))).toMatchObject({
        code: 'NOT_FOUND',
      });
    });

    it('answers all of a thousand refusals, however long their reasons', async () => {
      the.next();
      const dependencies = Array.from({ length: 20 }, () => 'NO');
      const registrations = numbered(1000, { dependencies, version: 'v'.repeat(65) });
      registrations[7] = the.request({ id: 'good' });
      const { results } = await the.client.registerMany({ registrations });
      expect(results[7]?.registered?.instance?.id).toBe('good');
      expect(results.filter(({ refused }) => refused?.code === 3)).toHaveLength(999);
    });
  });
}
