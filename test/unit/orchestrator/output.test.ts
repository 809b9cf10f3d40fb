import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ProcessState, type ProcessStatus, ServiceStatus } from '@weft/proto/orchestrator';
import { ClientError, Status } from 'nice-grpc';
import { callFailure, callFailureText } from '../../../orchestrator/src/output/call-error.ts';
import { durationText } from '../../../orchestrator/src/output/duration.ts';
import { logExcerpt } from '../../../orchestrator/src/output/log-excerpt.ts';
import { statusJson } from '../../../orchestrator/src/output/status-json.ts';
import { statusTable } from '../../../orchestrator/src/output/status-table.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const NOW = 1_000_000_000;

function processStatus(more: Partial<ProcessStatus>): ProcessStatus {
  return {
    name: 'user-service-1',
    pid: 7,
    address: '127.0.0.1:4001',
    state: ProcessState.PROCESS_STATE_RUNNING,
    healthy: true,
    startTime: new Date(NOW - 65_000),
    restarts: 0,
    logFile: '/x.log',
    lastExit: '',
    instanceId: 'user-service-1-aa',
    ...more,
  };
}

function row(service: ServiceStatus): string[] {
  const table = statusTable({ services: [service] }, { nowMs: NOW, isColored: false });
  const line = table.split('\n').find((text) => text.includes(service.name)) ?? '';
  return line
    .split('│')
    .slice(1, -1)
    .map((cell) => cell.trim());
}

describe('statusTable', () => {
  it('shows one row per service', () => {
    const processes = [
      processStatus({}),
      processStatus({ address: '[::1]:4002', startTime: new Date(NOW - 5000) }),
    ];
    expect(
      row({ name: 'user-service', desiredInstances: 2, processes, scaling: undefined }),
    ).toEqual(['user-service', '2', '2', '4001, 4002', 'SERVING', '5 s to 1 m 5 s']);
  });

  it('shows what does not run, and why', () => {
    const processes = [
      processStatus({}),
      processStatus({
        state: ProcessState.PROCESS_STATE_BACKOFF,
        healthy: false,
        startTime: undefined,
        lastExit: 'exit code 3',
      }),
    ];
    expect(
      row({ name: 'user-service', desiredInstances: 2, processes, scaling: undefined }),
    ).toEqual(['user-service', '2', '1', '4001', '1 of 2 SERVING (exit code 3)', '1 m 5 s']);
  });

  it('shows a service without instances', () => {
    expect(row({ name: 'idle', desiredInstances: 0, processes: [], scaling: undefined })).toEqual([
      'idle',
      '0',
      '0',
      '-',
      '-',
      '-',
    ]);
  });

  it('tells what each instance of a service that follows its load bears', () => {
    const scaling = { minInstances: 2, maxInstances: 6, inFlight: 10, load: 14.24 };
    const services = [{ name: 'a', desiredInstances: 3, scaling }, { name: 'b' }];
    const text = statusTable(
      { services: services.map((one) => ServiceStatus.fromPartial(one)) },
      { nowMs: NOW, isColored: false },
    );
    const [head = '', a = '', b = ''] = text.split('\n').filter((line) => line.includes('│'));
    expect(head).toMatch(/load each/);
    expect(a).toMatch(/3 \(2 to 6\).*14\.2 of 10 in flight/);
    expect(b).toMatch(/- +│$/);
  });

  it('colours only where told to', () => {
    const service = ServiceStatus.fromPartial({ name: 'a', desiredInstances: 1 });
    const text = (isColored: boolean) =>
      statusTable({ services: [service] }, { nowMs: NOW, isColored });
    expect(text(false)).not.toContain('\u001b');
    expect(text(true)).toContain('\u001b');
  });
});

describe('statusJson', () => {
  it('names states and tells times as text', () => {
    const status = {
      services: [
        ServiceStatus.fromPartial({
          name: 'a',
          desiredInstances: 1,
          processes: [processStatus({})],
        }),
      ],
    };
    const json = JSON.parse(
      JSON.stringify(
        statusJson({
          ...status,
          store: 'etcd',
          registryAddress: 'r',
          etcdEndpoints: 'e',
          pageUrl: 'p',
        }),
      ),
    );
    expect(json).toMatchObject({ store: 'etcd', registryAddress: 'r' });
    expect(json.services[0].processes[0]).toMatchObject({
      state: 'PROCESS_STATE_RUNNING',
      startTime: new Date(NOW - 65_000).toISOString(),
    });
  });
});

describe('logExcerpt', () => {
  it('shows the error that ended a program of Node, not only the end of its stack', () => {
    using folder = tempFolder();
    const file = join(folder.path, 'a.log');
    const { stderr } = spawnSync(process.execPath, [join(folder.path, 'missing.ts')]);
    writeFileSync(file, stderr);
    expect(logExcerpt(file)).toMatch(/^ {2}Error: Cannot find module '.*missing\.ts'$/m);
  });

  it('keeps within what an error can carry', () => {
    using folder = tempFolder();
    const file = join(folder.path, 'a.log');
    expect(logExcerpt(file)).toBe('');
    writeFileSync(file, `${'x'.repeat(9000)}\nlast\n`);
    expect(logExcerpt(file)).toBe(`  ${'x'.repeat(197)}...\n  last`);
    writeFileSync(file, `${'字'.repeat(9000)}\n`.repeat(40));
    expect(encodeURI(logExcerpt(file)).length).toBeLessThan(1500);
  });
});

describe('durationText', () => {
  it.each([
    [-5, '0 s'],
    [999, '0 s'],
    [12_000, '12 s'],
    [60_000, '1 m'],
    [3_605_000, '1 h'],
    [90_061_000, '1 d 1 h'],
  ])('says %d ms as %s', (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });
});

describe('callFailure', () => {
  it('spells out status, reason and fields', () => {
    const error = Object.assign(new ClientError('/a/b', Status.INVALID_ARGUMENT, 'name: missing'), {
      extra: [
        { reason: 'INVALID_FIELD' },
        { fieldViolations: [{ field: 'name', description: 'missing' }] },
      ],
    });
    expect(callFailureText(callFailure(error))).toBe(
      'INVALID_ARGUMENT: name: missing\n  reason: INVALID_FIELD\n  field name: missing',
    );
  });

  it('takes the code of an error of the mesh', () => {
    const error = Object.assign(new Error('no such method'), { code: 'METHOD_NOT_FOUND' });
    expect(callFailure(error)).toEqual({ code: 'METHOD_NOT_FOUND', message: 'no such method' });
    expect(callFailure('odd')).toEqual({ code: 'UNKNOWN', message: 'odd' });
  });
});
