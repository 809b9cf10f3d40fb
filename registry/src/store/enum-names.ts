/** The names of an enum by value, without what they all begin with: RUNNING. */
export function shortNames(
  values: Readonly<Record<string, number>>,
  prefix: string,
): ReadonlyMap<number, string> {
  const named = Object.entries(values).filter(([name]) => name.startsWith(prefix));
  return new Map(named.map(([name, value]) => [value, name.slice(prefix.length)]));
}
