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

/** Prefixes of keys in etcd, one for each environment. Empty stands for none. */
export const KEY_PREFIX: LabelRule = {
  // Below /weft/v1 the keys would be records of the environment without a prefix.
  pattern: /^(?!\/weft\/v1(\/|$))(\/[A-Za-z0-9._-]{1,63}){0,8}$/,
  mustBe:
    "empty or segments, each '/' and then letters, digits, '.', '_' and '-', such as /staging; not below /weft/v1",
};

/** Names of hosts (RFC 1123), such as the one in a browser's address bar. */
export const HOST_NAME: LabelRule = {
  pattern: /^[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?$/i,
  mustBe: 'a host name without scheme and port, such as weft.example.com',
};
