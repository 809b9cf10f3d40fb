const CHARACTER = { width: 8.4, height: 19 };
const MARGIN = 18;
const BAR = 30;

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[sign] ?? '');
}

/**
 * A picture of what a command printed in a terminal, as SVG.
 * @param isHead whether a line is one that heads a table
 */
export function terminalPicture(
  command: string,
  output: string,
  isHead: (line: string) => boolean,
): string {
  const lines = [`$ ${command}`, ...output.trimEnd().split('\n')];
  const width = Math.ceil(Math.max(...lines.map(({ length }) => length)) * CHARACTER.width);
  const height = Math.ceil(lines.length * CHARACTER.height);
  const texts = lines.map((line, index) => {
    const style = index === 0 ? ' fill="#8bd5ca"' : isHead(line) ? ' font-weight="bold"' : '';
    const y = BAR + MARGIN + Math.round((index + 0.7) * CHARACTER.height);
    return `  <text x="${MARGIN}" y="${y}"${style} xml:space="preserve">${escaped(line)}</text>`;
  });
  const dots = ['#ed8796', '#eed49f', '#a6da95'].map(
    (colour, index) =>
      `  <circle cx="${20 + 20 * index}" cy="${BAR / 2 + 3}" r="6" fill="${colour}"/>`,
  );
  const size = `width="${width + 2 * MARGIN}" height="${height + BAR + 2 * MARGIN}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="${escaped(command)}">`,
    `  <rect ${size} rx="10" fill="#1e2030"/>`,
    ...dots,
    `  <g font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14" fill="#cad3f5">`,
    ...texts,
    '  </g>',
    '</svg>',
    '',
  ].join('\n');
}
