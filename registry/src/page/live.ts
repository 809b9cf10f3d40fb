import { signal } from '@preact/signals';
import { MeshModel } from './mesh-model.ts';
import type { StreamMessage } from './wire.ts';

export type Link = 'connecting' | 'live' | 'lost';

/** Nothing for so long means the connection is dead, in ms; the registry says something each second. */
const SILENCE_MS = 15_000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 4000;
/** How often a page nobody sees is brought up to date, in ms. */
const HIDDEN_MS = 1000;

export const mesh = new MeshModel(() => performance.now());

/** Counts the changes of `mesh`, at most one a frame; views that read it are drawn anew. */
export const frame = signal(0);

export const link = signal<Link>('connecting');

let isDrawing = false;

function draw(): void {
  isDrawing = false;
  frame.value += 1;
}

function drawSoon(): void {
  if (isDrawing) return;
  isDrawing = true;
  if (document.hidden) setTimeout(draw, HIDDEN_MS);
  else requestAnimationFrame(draw);
}

/** Follows the registry for ever: what it tells goes into `mesh`; a lost connection is made again. */
export function follow(): void {
  let retryMs = FIRST_RETRY_MS;
  let heardAt = performance.now();
  let source: EventSource | undefined;

  const lose = () => {
    source?.close();
    source = undefined;
    link.value = 'lost';
    // Spread, so that not all pages come back at once.
    setTimeout(connect, retryMs * (0.5 + Math.random() / 2));
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
  };
  const connect = () => {
    heardAt = performance.now();
    source = new EventSource('/api/stream');
    source.onmessage = ({ data }: MessageEvent<string>) => {
      heardAt = performance.now();
      const message: StreamMessage = JSON.parse(data);
      if (message.kind === 'snapshot') {
        link.value = 'live';
        retryMs = FIRST_RETRY_MS;
      }
      mesh.apply(message);
      drawSoon();
    };
    source.onerror = lose;
  };
  setInterval(() => {
    if (source !== undefined && performance.now() - heardAt > SILENCE_MS) lose();
  }, 1000);
  connect();
}
