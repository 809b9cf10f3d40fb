import type { OrderLine } from '@weft/proto/order';

/** One line as it stands in the database; units are text because JSON numbers stop at 2^53. */
interface StoredLine {
  productId: string;
  quantity: number;
  units: string;
  nanos: number;
}

/** The lines of one order as JSON. Their currency, one for all, is stored with the order. */
export function linesToJson(lines: readonly OrderLine[]): string {
  const stored = lines.map(
    ({ productId, quantity, unitPrice }): StoredLine => ({
      productId,
      quantity,
      units: String(unitPrice?.units ?? 0n),
      nanos: unitPrice?.nanos ?? 0,
    }),
  );
  return JSON.stringify(stored);
}

/** The reverse of `linesToJson`. */
export function linesFromJson(json: string, currencyCode: string): OrderLine[] {
  return (JSON.parse(json) as StoredLine[]).map(({ productId, quantity, units, nanos }) => ({
    productId,
    quantity,
    unitPrice: { currencyCode, units: BigInt(units), nanos },
  }));
}
