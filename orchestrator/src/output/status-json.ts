import { type GetStatusResponse, ProcessState } from '@weft/proto/orchestrator';

const stateNames = new Map<number, string>(
  Object.entries(ProcessState).map(([name, value]) => [value, name]),
);

/** The status as protobuf's JSON has it: states by name, times as text, what is absent left out. */
export function statusJson({ services, ...mesh }: GetStatusResponse): object {
  return {
    ...mesh,
    services: services.map(({ processes, ...service }) => ({
      ...service,
      processes: processes.map((one) => ({ ...one, state: stateNames.get(one.state) })),
    })),
  };
}
