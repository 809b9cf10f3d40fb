import type { ArmSpec, Caller } from './caller.ts';
import { grpcJsCaller, openBareChannel } from './grpc-js-caller.ts';

/** Opens an arm. What it does not need is not loaded: an arm shares no code with another's heap. */
export async function openArm(spec: ArmSpec): Promise<Caller> {
  switch (spec.kind) {
    case 'bare-grpc-js': {
      const channel = openBareChannel(spec);
      return grpcJsCaller(channel, spec, () => channel.close());
    }
    case 'weft-grpc-js':
      return (await import('./mesh-arm.ts')).meshGrpcJsCaller(spec);
    case 'weft-nice-grpc':
      return (await import('./mesh-arm.ts')).meshNiceGrpcCaller(spec);
    case 'bare-nice-grpc':
      return (await import('./nice-grpc-caller.ts')).bareNiceGrpcCaller(spec);
    case 'moleculer':
      return (await import('./moleculer.ts')).moleculerCaller(spec.addresses ?? []);
  }
}
