/** What a registry takes of a published architecture. */
export const PUBLICATION_LIMITS = {
  /** Characters of a text. */
  text: 1000,
  /** Of a list within a member of a set. */
  items: 500,
  rules: 100,
  breachesOfRule: 100,
  /** Members of each set. */
  members: {
    services: 500,
    interfaces: 2000,
    stores: 2000,
    configuration: 5000,
    nodes: 5000,
    calls: 5000,
  },
} as const;
