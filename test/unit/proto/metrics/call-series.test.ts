import { expect, it } from '@jest/globals';
import { addCallMetrics, CallSeries, codeLabel, MetricSet } from '@weft/proto/metrics';

it('tells calls under the names and labels of the middlewares, buckets cumulated', async () => {
  const series = new CallSeries();
  series.started = 4;
  series.ended(0, 1);
  series.ended(0, 1.5);
  series.ended(4, 60_000);
  // One that gRPC does not have is UNKNOWN.
  series.ended(99, 0);
  const set = new MetricSet();
  const labels = { grpc_method: 'a "quoted"\nname' };
  addCallMetrics(set, 'grpc_client', 'Attempts', () => [[labels, series]]);
  const lines = (await set.text()).split('\n');
  const own = 'grpc_method="a \\"quoted\\"\\nname"';
  const seconds = 'grpc_client_handling_seconds';
  for (const line of [
    '# TYPE grpc_client_started_total counter',
    `grpc_client_started_total{${own}} 4`,
    `grpc_client_handled_total{${own},grpc_code="OK"} 2`,
    `grpc_client_handled_total{${own},grpc_code="DeadlineExceeded"} 1`,
    `grpc_client_handled_total{${own},grpc_code="Unknown"} 1`,
    `# TYPE ${seconds} histogram`,
    `${seconds}_bucket{${own},le="0.001"} 2`,
    `${seconds}_bucket{${own},le="0.0025"} 3`,
    `${seconds}_bucket{${own},le="10"} 3`,
    `${seconds}_bucket{${own},le="+Inf"} 4`,
    `${seconds}_sum{${own}} 60.0025`,
    `${seconds}_count{${own}} 4`,
  ]) {
    expect(lines).toContain(line);
  }
  expect(lines.filter((line) => line.startsWith('grpc_client_handled_total'))).toHaveLength(3);
});

it.each([
  [0, 'OK'],
  [1, 'Canceled'],
  [4, 'DeadlineExceeded'],
  [5, 'NotFound'],
  [16, 'Unauthenticated'],
  [99, 'Code(99)'],
])('spells code %d %s', (code, label) => {
  expect(codeLabel(code)).toBe(label);
});

it('has no two metrics of one name', () => {
  const set = new MetricSet();
  set.gauge('weft_a', 'A.', () => 1);
  expect(() => set.counter('weft_a', 'A.', () => 1)).toThrow(/weft_a/);
});
