/** Ends what is under way, and hands over what was gathered. */
export type StopTracing = () => Promise<void>;

const ENDPOINTS = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'];

/** Whether OpenTelemetry's standard variables ask for traces. */
export function isTracingWanted(env: NodeJS.ProcessEnv): boolean {
  const exporter = env.OTEL_TRACES_EXPORTER?.trim();
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || exporter === 'none') return false;
  return Boolean(exporter) || ENDPOINTS.some((name) => Boolean(env[name]?.trim()));
}

/**
 * Has this process traced as OpenTelemetry's standard variables say: OTEL_EXPORTER_OTLP_ENDPOINT or
 * OTEL_TRACES_EXPORTER switch it on. Without them nothing is loaded, and it costs nothing.
 *
 * To be awaited before the mesh is used. What it answers is to be awaited before the process ends.
 */
export async function startTracing(serviceName: string): Promise<StopTracing> {
  const { env } = process;
  if (!isTracingWanted(env)) return async () => {};
  env.OTEL_SERVICE_NAME ||= serviceName;
  // Only traces are asked for here.
  env.OTEL_METRICS_EXPORTER ||= 'none';
  env.OTEL_LOGS_EXPORTER ||= 'none';
  const { NodeSDK } = await import('@opentelemetry/sdk-node');
  const sdk = new NodeSDK();
  sdk.start();
  return () => sdk.shutdown();
}
