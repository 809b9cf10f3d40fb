/** A moment as lines begin with it, in local time: `11-25 03:04:05.678`. */
export function clock(timeMs: number): string {
  const at = new Date(timeMs);
  const two = (part: number) => String(part).padStart(2, '0');
  const day = `${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':');
  return `${day} ${time}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}
