import { trace } from '@opentelemetry/api';
import { type DestinationStream, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

/** Ids of the span that the running code is part of, for its log lines. */
function traceIds(): object {
  const span = trace.getActiveSpan()?.spanContext();
  return span === undefined ? {} : { traceId: span.traceId, spanId: span.spanId };
}

/** Lines for people at a terminal, JSON elsewhere. */
function standardOutput(): DestinationStream {
  return process.stdout.isTTY ? pretty({ sync: true }) : pino.destination(1);
}

/**
 * The log of a service. What is logged while a traced call is answered carries the ids of its trace.
 * @param destination default: standard output
 */
export function createLog(name: string, destination = standardOutput()): Logger {
  return pino({ name, mixin: traceIds }, destination);
}
