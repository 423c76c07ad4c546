/** A payload as it can be looked at: as text where it is one that can be read, else as bytes. */
export interface ShownPayload {
  readonly kind: 'text' | 'bytes';
  readonly shown: string;
  /** Bytes that are not shown, at its end. */
  readonly left: number;
}

/** Bytes that are shown at most: a delivery may have a megabyte. */
const MOST = 4096;

/** Bytes in a line. */
const LINE = 16;

/**
 * What no text shows as it is: controls but tabs and line ends, marks that turn the direction of text or take no room,
 * private and unassigned characters. With one of them it is shown as bytes, so that nothing in it passes for something else.
 */
const unreadable = /[^\P{C}\t\n\r]|[\u2028\u2029]/u;

/** Reads a payload, given in base64. */
export function readPayload(base64: string): ShownPayload {
  const whole = Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0));
  const bytes = whole.subarray(0, MOST);
  const left = whole.length - bytes.length;
  const text = textOf(bytes, left > 0);
  if (text !== undefined && !unreadable.test(text)) return { kind: 'text', shown: text, left };
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += LINE) lines.push(lineAt(at, bytes.subarray(at, at + LINE)));
  return { kind: 'bytes', shown: lines.join('\n'), left };
}

/** As UTF-8; undefined where it is none. A character that the cut went through is left out. */
function textOf(bytes: Uint8Array, isCut: boolean): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: isCut });
  } catch {
    return undefined;
  }
}

/** Offset, bytes, and what of them is ASCII. */
function lineAt(at: number, bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const ascii = Array.from(bytes, (byte) =>
    byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
  ).join('');
  return `${at.toString(16).padStart(4, '0')}  ${hex.padEnd(3 * LINE - 1)}  ${ascii}`;
}
