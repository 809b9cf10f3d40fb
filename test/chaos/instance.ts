import { openSync, writeSync } from 'node:fs';
import { createMesh } from '@weft/client-sdk';
import { PUSHBACK_TRAILER, pause, route } from '@weft/proto';
import { type CallContext, ServerError } from 'nice-grpc';
import { AS_TOLD, ChaosServiceDefinition, type Script } from './contract.ts';
import { watchPauses } from './slow-machine.ts';

/**
 * One instance of the chaos service, as a process: `instance.ts SERVICE ID LOG`. It appends a line to LOG as each
 * handler starts, before anything else, so that the line survives a SIGKILL; and a line for each time in which it got
 * no turn.
 */
const [service = '', id = '', logFile = ''] = process.argv.slice(2);
const log = openSync(logFile, 'a');

watchPauses(({ from, until }) => writeSync(log, `pause ${from} ${until}\n`));

async function* play(text: string | undefined, { signal, trailer }: CallContext) {
  const { call, sleepMs, responses, code, pushbackMs }: Script = JSON.parse(text ?? '');
  writeSync(log, `${call} ${id}\n`);
  if (pushbackMs !== undefined) trailer.set(PUSHBACK_TRAILER, String(pushbackMs));
  for (let number = 0; number < responses; number += 1) {
    if (sleepMs > 0) await pause(sleepMs, signal);
    // A unary call fails in place of its only response.
    if (code !== 0 && number === responses - 1) throw new ServerError(code, AS_TOLD);
    yield { user: { id: String(number), name: id, email: '', createTime: undefined } };
  }
}

async function only(text: string | undefined, context: CallContext) {
  const { value } = await play(text, context).next();
  return value ?? {};
}

const mesh = createMesh();
const host = await mesh.serve({
  name: service,
  id,
  ttlSeconds: 2,
  // What the handlers are told is the only reason to refuse a call.
  shedding: false,
  routes: [
    route(ChaosServiceDefinition, {
      get: (request, context) => only(request.id, context),
      put: (request, context) => only(request.id, context),
      list: (request, context) => play(request.id, context),
    }),
  ],
  onClose: () => mesh.close(),
});
await host.registered();
process.send?.('registered');
// The test has ended without ending this process.
process.on('disconnect', () => process.exit(1));
