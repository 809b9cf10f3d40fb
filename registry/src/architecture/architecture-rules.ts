import { FieldChecks, PUBLICATION_LIMITS } from '@weft/proto';
import type { PublishArchitectureRequest } from '@weft/proto/architecture';

const {
  text: MAX_TEXT,
  items: MAX_ITEMS,
  rules: MOST_RULES,
  breachesOfRule: MOST_BREACHES,
  members: MOST,
} = PUBLICATION_LIMITS;

/** Checks each text and list within a value, whatever message it is. */
function checkWithin(checks: FieldChecks, path: string, value: unknown): void {
  if (typeof value === 'string') {
    checks.check(value.length <= MAX_TEXT, path, `must be at most ${MAX_TEXT} characters`);
  } else if (Array.isArray(value)) {
    if (!checks.check(value.length <= MAX_ITEMS, path, `must be at most ${MAX_ITEMS}`)) return;
    value.forEach((item, index) => {
      checkWithin(checks, `${path}[${index}]`, item);
    });
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, field] of Object.entries(value))
      checkWithin(checks, `${path}.${name}`, field);
  }
}

/** @throws INVALID_ARGUMENT naming what of an architecture is missing, too long or too much. */
export function checkPublication({
  source,
  architecture,
  rules,
}: PublishArchitectureRequest): void {
  const checks = new FieldChecks();
  checkWithin(checks, 'source', source);
  checks.check(architecture !== undefined, 'architecture', 'must be set');
  for (const set of Object.keys(MOST) as (keyof typeof MOST)[]) {
    const members: readonly object[] = architecture?.[set] ?? [];
    const path = `architecture.${set}`;
    if (!checks.check(members.length <= MOST[set], path, `must be at most ${MOST[set]}`)) continue;
    members.forEach((member, index) => {
      checkWithin(checks, `${path}[${index}]`, member);
    });
  }
  if (checks.check(rules.length <= MOST_RULES, 'rules', `must be at most ${MOST_RULES}`)) {
    rules.forEach((rule, index) => {
      const path = `rules[${index}].breaches`;
      const isFew = rule.breaches.length <= MOST_BREACHES;
      checks.check(isFew, path, `must be at most ${MOST_BREACHES}`);
      checkWithin(checks, `rules[${index}]`, rule);
    });
  }
  checks.throwIfAny();
}
