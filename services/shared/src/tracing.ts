import { type Log, messageOf } from '@weft/proto';

/** Ends tracing and sends the last spans to the collector, for at most FLUSH_MS. Never rejects. */
export type StopTracing = () => Promise<void>;

/** How long the last spans may take to reach the collector, in ms. Exporters themselves retry for 10 s. */
const FLUSH_MS = 1000;

const ENDPOINTS = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'];

/** Whether OpenTelemetry's standard variables ask for traces. */
export function isTracingWanted(env: NodeJS.ProcessEnv): boolean {
  const exporter = env.OTEL_TRACES_EXPORTER?.trim();
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || exporter === 'none') return false;
  return Boolean(exporter) || ENDPOINTS.some((name) => Boolean(env[name]?.trim()));
}

/** Runs `shutdown` for at most FLUSH_MS. A collector that is away costs a warning, and nothing else. */
async function flush(shutdown: () => Promise<void>, log: Log): Promise<void> {
  const sent = shutdown().then(
    () => undefined,
    (error: unknown) => messageOf(error),
  );
  const { promise: late, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(resolve, FLUSH_MS, `no response within ${FLUSH_MS} ms`);
  const reason = await Promise.race([sent, late]);
  clearTimeout(timer);
  if (reason !== undefined) {
    log.warn({ reason }, 'the last spans were not sent: check OTEL_EXPORTER_OTLP_ENDPOINT');
  }
}

/**
 * Traces this process as OpenTelemetry's standard variables say: OTEL_EXPORTER_OTLP_ENDPOINT or
 * OTEL_TRACES_EXPORTER turn tracing on. Without them nothing is loaded.
 *
 * Await it before the mesh is used.
 * @returns a function to await before the process ends
 */
export async function startTracing(serviceName: string, log: Log): Promise<StopTracing> {
  const { env } = process;
  if (!isTracingWanted(env)) return async () => {};
  env.OTEL_SERVICE_NAME ||= serviceName;
  // Only traces are asked for here.
  env.OTEL_METRICS_EXPORTER ||= 'none';
  env.OTEL_LOGS_EXPORTER ||= 'none';
  const { NodeSDK } = await import('@opentelemetry/sdk-node');
  const sdk = new NodeSDK();
  sdk.start();
  return () => flush(() => sdk.shutdown(), log);
}
