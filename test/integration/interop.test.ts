import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { makeClientConstructor, type ServiceDefinition } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadContracts } from '@weft/client-sdk';
import { freePort } from '../../orchestrator/src/process/ports.ts';
import { run } from '../../scripts/tools/program.ts';
import { eventually } from '../support/eventually.ts';
import { type InteropClients, interopCases } from '../support/interop/cases.ts';
import {
  INTEROP_PROTO,
  interopDescriptors,
  TestServiceDefinition,
  UnimplementedServiceDefinition,
} from '../support/interop/contract.ts';
import { interopRoute } from '../support/interop/service.ts';
import { stubClient } from '../support/interop/stub-client.ts';
import { TestMesh } from '../support/test-mesh.ts';
import { describeWith, toolPath } from '../support/tools.ts';

/** The soaks are about failed calls here. How long a call takes depends on what else the machine does. */
const soakTimes = [
  '--soak_per_iteration_max_acceptable_latency_ms=10000',
  '--soak_overall_timeout_seconds=30',
];

/**
 * Cases of grpc-go's client beyond those of ours. Left out are those with credentials of Google's cloud
 * (compute_engine_creds, service_account_creds, jwt_token_creds, per_rpc_creds, oauth2_auth_token,
 * google_default_credentials, compute_engine_channel_credentials), as they need TLS and an account, and
 * orca_per_rpc and orca_oob, as Weft has no ORCA load reports (gRFC A51). grpc-go itself has neither
 * cacheable_unary nor the cases of compression.
 */
const MORE_OF_GO = [
  ['pick_first_unary'],
  ['rpc_soak', '--soak_iterations=20', ...soakTimes],
  ['channel_soak', '--soak_iterations=5', ...soakTimes],
];

let stage: TestMesh;

beforeAll(async () => {
  stage = await TestMesh.start();
});

afterAll(() => stage.close());

describeWith(['grpc-interop-client'], "grpc-go's client against a service of the mesh", () => {
  let port: string;

  beforeAll(async () => {
    const host = await stage.host.serve({
      name: 'interop-weft',
      handleSignals: false,
      settleMs: 0,
      routes: [interopRoute],
      descriptorSets: [interopDescriptors],
    });
    stage.defer(() => host.close());
    port = String(host.instance.address?.port);
  });

  it.each([...Object.keys(interopCases).map((name) => [name]), ...MORE_OF_GO])(
    'passes %s',
    async (name, ...flags) => {
      const server = ['--server_host=127.0.0.1', `--server_port=${port}`, '--use_tls=false'];
      const client = toolPath('grpc-interop-client');
      const { code, output } = await run(client, [...server, `--test_case=${name}`, ...flags]);
      expect([code, output]).toEqual([0, expect.not.stringMatching(/fatal|panic/i)]);
    },
  );
});

describeWith(['grpc-interop-server'], "clients of the mesh against grpc-go's server", () => {
  let clients: Record<string, InteropClients>;

  beforeAll(async () => {
    const port = await freePort('127.0.0.1');
    const server = spawn(toolPath('grpc-interop-server'), [`--port=${port}`], { stdio: 'ignore' });
    stage.defer(async () => {
      const exit = once(server, 'exit');
      server.kill('SIGKILL');
      await exit;
    });
    await eventually(() => stage.list(port, { service: 'interop-go', id: 'go' }));

    const mesh = stage.join();
    const contracts = await loadContracts([INTEROP_PROTO], { enums: Number });
    const stub = (name: string) => {
      const contract = contracts[`grpc.testing.${name}`] as ServiceDefinition;
      const Stub = makeClientConstructor(contract, name);
      const channel = mesh.channel('interop-go', { contract });
      return stubClient(new Stub('', null as never, { channelOverride: channel }));
    };
    const service = { service: 'interop-go' };
    clients = {
      client: {
        test: mesh.client(TestServiceDefinition, service),
        unimplemented: mesh.client(UnimplementedServiceDefinition, service),
      },
      channel: { test: stub('TestService'), unimplemented: stub('UnimplementedService') },
    };
  });

  describe.each([
    ['mesh.client', 'client'],
    ['a grpc-js stub on mesh.channel', 'channel'],
  ])('%s', (_, kind) => {
    it.each(Object.entries(interopCases))('passes %s', (_name, runCase) =>
      runCase(clients[kind] as InteropClients),
    );
  });
});
