import { Health } from '@weft/proto/registry';

/** What one look at an instance finds: it serves, says that it does not, or says nothing. */
export type Finding = 'serving' | 'refusing' | 'silent';

/** Looks in a row that must fail before an instance counts as not serving. */
const FAILURES = 2;

/** What the looks at one instance come to: down at the second failure in a row, up at one success. */
export class CheckState {
  #failures = 0;
  #health: Health = Health.HEALTH_UNSPECIFIED;
  #last: Finding = 'serving';

  /** UNSPECIFIED until enough was seen. */
  get health(): Health {
    return this.#health;
  }

  get last(): Finding {
    return this.#last;
  }

  observe(finding: Finding): Health {
    this.#last = finding;
    if (finding === 'serving') {
      this.#failures = 0;
      this.#health = Health.HEALTH_SERVING;
    } else {
      this.#failures += 1;
      if (this.#failures >= FAILURES) this.#health = Health.HEALTH_NOT_SERVING;
    }
    return this.#health;
  }
}
