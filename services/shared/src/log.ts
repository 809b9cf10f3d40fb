import { trace } from '@opentelemetry/api';
import { openLogDestination } from '@weft/proto';
import { type DestinationStream, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

/** Ids of the span that the running code is part of, for its log lines. */
function traceIds(): object {
  const span = trace.getActiveSpan()?.spanContext();
  return span === undefined ? {} : { traceId: span.traceId, spanId: span.spanId };
}

/** Standard output: lines for people at a terminal, JSON elsewhere. */
function standardOutput(): DestinationStream {
  const lines = openLogDestination(1);
  if (!process.stdout.isTTY) return lines;
  return pretty({ sync: true, destination: lines.toStream() });
}

/**
 * The log of a service. What is logged while a traced call is answered carries the ids of its trace.
 * @param destination default: standard output
 */
export function createLog(name: string, destination = standardOutput()): Logger {
  return pino({ name, mixin: traceIds }, destination);
}
