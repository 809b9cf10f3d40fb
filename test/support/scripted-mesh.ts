import { constants } from 'node:http2';
import type { CallReport, Mesh, MeshOptions } from '@weft/client-sdk';
import { GetUserResponse } from '@weft/proto/user';
import { Metadata, Status } from 'nice-grpc-common';
import { eventually } from './eventually.ts';
import { framed } from './raw-grpc.ts';
import { startRawServer } from './raw-server.ts';
import { scriptedService } from './scripted-service.ts';
import { type TestMesh, usersOf } from './test-mesh.ts';

const NOTHING = GetUserResponse.encode(GetUserResponse.fromPartial({})).finish();

/** Failures that the breakers of all instances count. */
export const failuresOf = (mesh: Mesh) =>
  mesh.breakers().reduce((sum, { failures }) => sum + failures, 0);

/** The status that a call ends with, or the text of another error. */
export async function codeOf(call: Promise<unknown>): Promise<Status | string> {
  try {
    await call;
    return Status.OK;
  } catch (error) {
    return (error as { code?: Status }).code ?? String(error);
  }
}

/** A client of three scripted instances, each of them connected. */
export async function threeScripted(stage: TestMesh, service: string, options: MeshOptions = {}) {
  const hosts = await Promise.all(
    ['a', 'b', 'c'].map((id) => stage.host.serve(scriptedService(service, id))),
  );
  stage.defer(() => Promise.all(hosts.map((host) => host.close())));
  await Promise.all(hosts.map((host) => host.registered()));
  const mesh = stage.join(options);
  const users = usersOf(mesh, service);
  await eventually(async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => users.createUser({})));
    if (new Set(answers.map(({ user }) => user?.name)).size < 3)
      throw new Error('not all connected');
  });
  return { mesh, users };
}

/** A client of one server that ends each call in the way its request names. */
export async function rawService(stage: TestMesh, service: string) {
  const ok = { ':status': 200, 'content-type': 'application/grpc+proto' };
  const server = await startRawServer((stream) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const how = Buffer.concat(chunks).toString('latin1');
      if (how.includes('reset')) return stream.close(constants.NGHTTP2_INTERNAL_ERROR);
      if (how.includes('torn')) {
        stream.respond(ok);
        setImmediate(() => setImmediate(() => stream.session?.socket.destroy()));
        return;
      }
      const messages: Uint8Array[] = [];
      if (how.includes('undecodable')) messages.push(Buffer.from([0xff]));
      else if (!how.includes('no message')) messages.push(NOTHING);
      if (how.includes('two messages')) messages.push(NOTHING);
      stream.respond(ok, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.concat(messages.map((message) => framed(message))));
    });
  });
  stage.defer(() => server.close());
  await stage.list(server.port, { service, id: 'raw' });
  const mesh = stage.join();
  const users = usersOf(mesh, service);
  await eventually(() => users.createUser({ name: 'fine' }));
  const fails = async (name: string, metadata = Metadata()) => {
    let endedBy: string | undefined;
    const onReport = ({ attempts }: CallReport) => {
      endedBy = attempts[0]?.endedBy;
    };
    const code = await codeOf(users.createUser({ name }, { metadata, onReport }));
    return { code, endedBy: endedBy === 'server' ? undefined : endedBy };
  };
  return { mesh, users, fails };
}
