/** A rule for a name: what fits it, and what to tell whoever broke it. */
export interface LabelRule {
  readonly pattern: RegExp;
  readonly mustBe: string;
}

/** Names of services: DNS labels (RFC 1035). */
export const SERVICE_NAME: LabelRule = {
  pattern: /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
  mustBe: "a DNS label: a-z, 0-9 and '-', starting with a letter, 1 to 63 characters",
};

/** Ids of instances: DNS labels that may start with a digit (RFC 1123), as UUIDs do. */
export const INSTANCE_ID: LabelRule = {
  pattern: /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
  mustBe:
    "a DNS label: a-z, 0-9 and '-', starting and ending with a letter or digit, at most 63 characters",
};
