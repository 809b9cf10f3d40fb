import type { ServerResponse } from 'node:http';
import type { HttpHandler } from '@weft/proto';
import type { StreamMessage } from '../page/wire.ts';
import type { LiveFeed } from './live-feed.ts';

export interface EventStreamOptions {
  /** Bytes it may have yet to read when there is news; with more its stream is cut off. Default 8 MiB. */
  maxPendingBytes?: number;
  /** Streams at once; one more is answered 503. Default 100. */
  maxStreams?: number;
}

/** One message as text, made once however many streams it goes to. */
function textOf(texts: WeakMap<StreamMessage, string>, message: StreamMessage): string {
  const known = texts.get(message);
  if (known !== undefined) return known;
  const text = `data: ${JSON.stringify(message)}\n\n`;
  texts.set(message, text);
  return text;
}

/** Answers with what a feed tells, as server-sent events, for as long as the page reads them. */
export function eventStream(
  feed: Pick<LiveFeed, 'subscribe'>,
  { maxPendingBytes = 8 * 2 ** 20, maxStreams = 100 }: EventStreamOptions = {},
): HttpHandler {
  const texts = new WeakMap<StreamMessage, string>();
  let streams = 0;

  function send(response: ServerResponse, message: StreamMessage): void {
    // Traffic is told again in a second; who has yet to read the last can do without.
    if (message.kind === 'traffic' && response.writableNeedDrain) return;
    if (response.writableLength > maxPendingBytes) response.destroy();
    else response.write(textOf(texts, message));
  }

  return (request, response) => {
    if (streams >= maxStreams) {
      const text = `there are ${streams} pages open already; close some\n`;
      response.writeHead(503, { 'content-type': 'text/plain; charset=utf-8' }).end(text);
      return;
    }
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
    });
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    streams += 1;
    const unsubscribe = feed.subscribe((message) => send(response, message));
    response.once('close', () => {
      streams -= 1;
      unsubscribe();
    });
  };
}
