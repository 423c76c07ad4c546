import QRCode from 'qrcode';
import { printable } from '../cloud/columns.ts';

/** What stands on the label of a gateway: nothing secret, since whoever stands before it reads it. */
export interface LabelContent {
  readonly gatewayId: string;
  readonly name: string;
  /** Null where nobody said it. */
  readonly serialNumber: string | null;
  readonly organisation: { readonly id: string; readonly name: string };
  /** `https://host:port` of the cloud. */
  readonly cloud: string;
}

/** What the QR code leads to: the gateway in the cloud's page, which asks for a login. */
export function labelAddress({ cloud, gatewayId, organisation }: LabelContent): string {
  return `${cloud}/#/o/${encodeURIComponent(organisation.id)}/devices/${encodeURIComponent(gatewayId)}`;
}

/** The lines of text beside the code. */
export function labelLines(label: LabelContent): string[] {
  const { gatewayId, name, serialNumber, organisation, cloud } = label;
  return [
    ...(name === gatewayId ? [] : [name]),
    gatewayId,
    ...(serialNumber === null ? [] : [`S/N ${serialNumber}`]),
    organisation.name,
    new URL(cloud).host,
  ].map(printable);
}

const correction = { errorCorrectionLevel: 'M' } as const;

/** The label as text: the code in half blocks, the lines below it. */
export async function labelText(label: LabelContent): Promise<string> {
  return `${(await codeText(label, 'utf8')).trimEnd()}\n\n${labelLines(label).join('\n')}\n`;
}

/** The same for a terminal, which may show light letters on dark: the code brings its own colours. */
export async function labelForTerminal(label: LabelContent): Promise<string> {
  return `${await codeText(label, 'terminal')}\n${labelLines(label).join('\n')}\n`;
}

async function codeText(label: LabelContent, type: 'utf8' | 'terminal'): Promise<string> {
  return await QRCode.toString(labelAddress(label), { ...correction, type, small: true });
}

/** The code alone as a PNG, for a label printer's own software. */
export async function labelPng(label: LabelContent): Promise<Buffer> {
  return await QRCode.toBuffer(labelAddress(label), { ...correction, type: 'png', scale: 8 });
}

/** Millimetres of the label: a tape of 36 mm. */
const size = { height: 36, width: 90, margin: 3, letters: 4.6 };

/** The whole label as SVG, 90 x 36 mm: the code on the left, the lines on the right. */
export async function labelSvg(label: LabelContent): Promise<string> {
  const { height, width, margin, letters } = size;
  const side = height - 2 * margin;
  const code = await QRCode.toString(labelAddress(label), { ...correction, type: 'svg', margin: 0 });
  const [, box = '0 0 1 1'] = /viewBox="([^"]+)"/.exec(code) ?? [];
  const inner = code.replace(/^[\s\S]*?<svg[^>]*>/, '').replace(/<\/svg>\s*$/, '');
  const left = side + 3 * margin;
  const lines = labelLines(label).map((line, at) => {
    const y = margin + letters * (1.3 * at + 1);
    const weight = at === 0 ? ' font-weight="bold"' : '';
    return `<text x="${left}" y="${y.toFixed(2)}"${weight}>${escaped(line)}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}mm" height="${height}mm" viewBox="0 0 ${width} ${height}">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<svg x="${margin}" y="${margin}" width="${side}" height="${side}" viewBox="${box}" shape-rendering="crispEdges">${inner}</svg>`,
    `<g font-family="sans-serif" font-size="${letters}">`,
    ...lines,
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => entities[letter] ?? letter);
}
