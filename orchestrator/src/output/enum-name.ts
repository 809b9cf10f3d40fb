/** `RUNNING` of INSTANCE_STATUS_RUNNING; the number of a value this program does not know. */
export function enumName(
  values: Readonly<Record<string, number>>,
  value: number,
  prefix: string,
): string {
  const name = Object.keys(values).find((each) => values[each] === value);
  return name === undefined || !name.startsWith(prefix) ? String(value) : name.slice(prefix.length);
}
