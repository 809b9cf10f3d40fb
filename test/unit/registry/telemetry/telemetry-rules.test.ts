import { describe, expect, it } from '@jest/globals';
import { EventKind, ReportRequest } from '@weft/proto/telemetry';
import { checkReport } from '../../../../registry/src/telemetry/telemetry-rules.ts';

describe('the rules for a telemetry report', () => {
  const reportOf = (time: Date | undefined) =>
    ReportRequest.fromPartial({
      caller: { instanceId: 'someone' },
      intervalMs: 1000,
      events: [{ service: 'echo', kind: EventKind.EVENT_KIND_EJECTED, time }],
    });

  it('refuse an event whose time cannot be encoded: it would end every watch of the events', () => {
    // A Timestamp with seconds that no Date can hold is decoded as this.
    const report = reportOf(new Date(Number.NaN));
    expect(() => checkReport(report)).toThrow(/events\[0\]\.time: must be a time/);
    for (const year of ['-000001', '+010000']) {
      const time = new Date(`${year}-01-01T00:00:00Z`);
      expect(() => checkReport(reportOf(time))).toThrow(/events\[0\]\.time/);
    }
  });

  it('take an event of any time from year 1 to year 9999, or of none', () => {
    for (const time of ['0001-01-01T00:00:00Z', '1969-12-31T23:59:59.5Z', '9999-12-31T23:59:59Z']) {
      checkReport(reportOf(new Date(time)));
    }
    checkReport(reportOf(undefined));
  });
});
