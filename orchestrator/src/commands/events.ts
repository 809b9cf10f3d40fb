import { messageToJson } from '@weft/proto';
import { Event, type WatchEventsResponse } from '@weft/proto/telemetry';
import { type Command, InvalidArgumentError } from 'commander';
import { EventResumption } from '../mesh-view/event-resumption.ts';
import { unknownService } from '../mesh-view/read-catalog.ts';
import { eventLine } from '../output/event-line.ts';
import { examplesText } from '../output/examples.ts';
import { print, printJson, printJsonLine, printNews, whileRead } from '../output/terminal.ts';
import { ANSWER_MS, askRegistry, type RegistryAccess } from './ask-registry.ts';
import { follow } from './follow-stream.ts';
import { addLookOptions } from './registry-option.ts';
import { tellOfLoss } from './watch.ts';

/** What the registry tells of the past at most. */
const MOST = 1000;

function parseCount(text: string): number {
  if (/^\d{1,4}$/.test(text) && Number(text) <= MOST) return Number(text);
  throw new InvalidArgumentError(`It must be 0 to ${MOST}.`);
}

function eventJson(event: Event) {
  return messageToJson('weft.telemetry.v1.Event', Event, event);
}

interface EventsOptions {
  readonly json: boolean;
  readonly follow: boolean;
  readonly lines: number;
  readonly service: string;
}

/** The last events, of one service or all. */
async function readEvents(
  { telemetry }: RegistryAccess,
  last: number,
  service: string,
): Promise<Event[]> {
  const events: Event[] = [];
  const request = { last, service, noFollow: true };
  const signal = AbortSignal.timeout(ANSWER_MS);
  for await (const message of telemetry.watchEvents(request, { signal })) {
    events.push(...message.events);
  }
  return events;
}

/** @throws OrchestratorError if the service is not registered, and the registry knows no event of it */
async function checkService(access: RegistryAccess, service: string): Promise<void> {
  const { instances } = await access.registry.listInstances({ service, pageSize: 1 });
  if (instances.length > 0 || (await readEvents(access, 1, service)).length > 0) return;
  throw await unknownService(access.registry, service);
}

export function define(command: Command): void {
  addLookOptions(command, 'print JSON (weft.telemetry.v1.Event); a line each with -f')
    .option('-n, --lines <count>', 'how many past events, at most 1000', parseCount, 20)
    .option('-f, --follow', 'go on showing what happens', false)
    .option('--service <service>', 'only what happened to this service', '')
    .addHelpText(
      'after',
      `
The registry keeps some thousand events in memory: they are those since it started.
${examplesText([
  ['events', 'the last 20'],
  ['events -f --service user-service', 'and what happens from now on'],
  ['events -n 100 --json', '{"events": [...]}'],
])}`,
    )
    .action(async (options: EventsOptions, command: Command) => {
      const { json, service, lines } = options;
      await askRegistry(command, async (access) => {
        if (service !== '') await checkService(access, service);
        if (options.follow) {
          const resumption = new EventResumption();
          let isResumed = false;
          const take = ({ events }: WatchEventsResponse, isFirst: boolean) => {
            for (const event of resumption.take(events, isResumed && isFirst)) {
              if (json) printJsonLine(eventJson(event));
              else print(eventLine(event));
            }
          };
          const loss = tellOfLoss(access);
          return follow(access, {
            open: ({ telemetry }, callOptions) => {
              const last = isResumed ? MOST : lines;
              return telemetry.watchEvents({ last, service }, callOptions);
            },
            take,
            ...loss,
            lost: (reason) => {
              isResumed = true;
              loss.lost(reason);
            },
            signal: whileRead(),
          });
        }
        const events = await readEvents(access, lines, service);
        if (json) printJson({ events: events.map(eventJson) });
        else if (events.length === 0)
          printNews(
            'nothing has happened since this registry began; each tells only of its own time',
          );
        for (const event of json ? [] : events) print(eventLine(event));
      });
    });
}
