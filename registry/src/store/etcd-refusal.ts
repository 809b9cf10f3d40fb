/** What stands in an error when etcd, or TLS before it, does not let us in, and what to do about it. */
const REFUSALS: readonly [pattern: RegExp, advice: string][] = [
  [
    /authentication failed, invalid user ID or password/,
    'wrong user or password: check --etcd-user and $ETCD_PASSWORD',
  ],
  [/user name is empty/, 'it asks for a user: name one with --etcd-user and $ETCD_PASSWORD'],
  [/authentication is not enabled/, 'it knows no users: leave out --etcd-user'],
  [
    /permission denied/i,
    'its user may not do this: give its role readwrite on the prefix <prefix>/weft/ (etcdctl role grant-permission --prefix)',
  ],
  [/certificate has expired|CERT_HAS_EXPIRED/, 'its certificate has expired: renew it'],
  [/certificate is not yet valid/, 'its certificate is not valid yet: check the clocks'],
  [
    /self[- ]signed certificate|unable to verify|unable to get (local )?issuer|certificate signature failure/i,
    'its certificate is of no authority trusted here: name that authority with --etcd-ca',
  ],
  [
    /altnames|does not match certificate/i,
    'its certificate is of another host: name etcd as it does',
  ],
  [
    /bad certificate|certificate required|unknown ca|alert number (42|48|116)/i,
    'it wants a certificate of an authority that it trusts: name one with --etcd-cert and --etcd-key',
  ],
  [
    /wrong version number|packet length too long|before secure TLS connection was established/i,
    'it does not seem to speak TLS: leave out https:// and --etcd-ca',
  ],
];

/**
 * What to do about an error with which etcd refuses the registry.
 * @param prefix of the keys of the registry, for the advice
 * @returns undefined if the error is of another kind.
 */
export function refusalAdvice(message: string, prefix = ''): string | undefined {
  const [, advice] = REFUSALS.find(([pattern]) => pattern.test(message)) ?? [];
  return advice?.replace('<prefix>', prefix);
}
