import type { Event } from '@weft/proto/telemetry';

/**
 * Which events of a registry that was lost and found again are news. Each registry numbers its own
 * events, from 1: where the last one told stands at its place, those after it are; where it does not
 * (another registry, or one that was started again), those that happened later are. Pure.
 */
export class EventResumption {
  #last: Event | undefined;

  /** Takes the latest events after a loss, or what comes as it happens; answers what was not told yet. */
  take(events: readonly Event[], isResumed: boolean): readonly Event[] {
    const news = isResumed ? this.#news(events) : events;
    this.#last = events.at(-1) ?? this.#last;
    return news;
  }

  #news(events: readonly Event[]): readonly Event[] {
    const last = this.#last;
    if (last === undefined) return events;
    const timeOf = ({ time }: Event) => time?.getTime() ?? 0;
    const index = events.findIndex(
      (event) => event.sequence === last.sequence && timeOf(event) === timeOf(last),
    );
    if (index >= 0) return events.slice(index + 1);
    return events.filter((event) => timeOf(event) > timeOf(last));
  }
}
