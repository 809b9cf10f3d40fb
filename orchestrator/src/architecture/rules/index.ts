import type { Architecture } from '../architecture.ts';
import { offersAsDeclared, oneVersion, unknownService } from './as-declared.ts';
import { dependencyCycle, undeclaredDependency, unknownDependency } from './dependencies.ts';
import { ownHealth } from './health.ts';
import {
  interfaceShared,
  interfaceUndescribed,
  interfaceUnoffered,
  singleResponsibility,
} from './interfaces.ts';
import { dataIsolation, foreignStore } from './isolation.ts';
import type { Finding, Rule } from './rule.ts';

/** Every rule that can be checked without stopping anything. */
export const RULES: readonly Rule[] = [
  singleResponsibility,
  interfaceShared,
  interfaceUndescribed,
  interfaceUnoffered,
  dataIsolation,
  foreignStore,
  unknownDependency,
  dependencyCycle,
  undeclaredDependency,
  ownHealth,
  unknownService,
  offersAsDeclared,
  oneVersion,
];

/** All that breaches a rule, rule by rule. */
export function findingsOf(architecture: Architecture): Finding[] {
  return RULES.flatMap(({ id, check }) =>
    check(architecture).map((breach) => ({ rule: id, ...breach })),
  );
}
