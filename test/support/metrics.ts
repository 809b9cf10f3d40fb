import type { Registry } from '@weft/registry';

/** The metrics of a registry as its page tells them: values by name and labels. */
export async function metricsOf({
  httpAddress,
}: Pick<Registry, 'httpAddress'>): Promise<Map<string, number>> {
  const page = await fetch(`http://${httpAddress}/metrics`);
  const lines = (await page.text()).split('\n').filter((line) => line !== '' && line[0] !== '#');
  return new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(' ');
      return [line.slice(0, end), Number(line.slice(end + 1))];
    }),
  );
}
