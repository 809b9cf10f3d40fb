import type { Registry } from '@weft/registry';

/** The text of a page of metrics. @param address `host:port` */
export async function metricsPageOf(address: string | undefined): Promise<string> {
  const page = await fetch(`http://${address}/metrics`);
  return await page.text();
}

/** The metrics of a page: values by name and labels. */
export async function metricsAt(address: string | undefined): Promise<Map<string, number>> {
  const text = await metricsPageOf(address);
  const lines = text.split('\n').filter((line) => line !== '' && line[0] !== '#');
  return new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(' ');
      return [line.slice(0, end), Number(line.slice(end + 1))];
    }),
  );
}

/** The metrics of a registry as its page tells them: values by name and labels. */
export function metricsOf({
  httpAddress,
}: Pick<Registry, 'httpAddress'>): Promise<Map<string, number>> {
  return metricsAt(httpAddress);
}
