import type { Page } from './page.ts';
import { name, plain } from './words.ts';

/** A mail in words, before it has a form. */
export interface Letter {
  readonly subject: string;
  readonly paragraphs: readonly Paragraph[];
}

export type Paragraph =
  /** A sentence or some. */
  | { readonly text: string }
  /** A link alone on its line, after what it is for. */
  | { readonly label: string; readonly link: string }
  /** Facts, each with what it is called. */
  | { readonly facts: readonly (readonly [what: string, value: string])[] };

/** The letter as a mail carries it twice: for programs that show text, and for those that show HTML. */
export interface RenderedLetter {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** Writes a letter out. Line breaks and invisible characters do not get through, wherever they came from. */
export function render(letter: Letter, to: { readonly name?: string }, page: Page): RenderedLetter {
  const called = name(to.name ?? '');
  const greeting = called === '' ? 'Hello,' : `Hello ${called},`;
  const footer = `Loadline at ${page.address.slice('https://'.length)} sends this by itself.`;
  const paragraphs = letter.paragraphs.map(cleaned);
  return {
    subject: plain(letter.subject),
    text: [greeting, ...paragraphs.map(asText), `-- \n${footer}`].join('\n\n').concat('\n'),
    html: [
      '<!doctype html><html lang="en"><head><meta charset="utf-8"></head>',
      '<body style="font-family:sans-serif;max-width:40em;line-height:1.5">',
      `<p>${escaped(greeting)}</p>`,
      ...paragraphs.map(asHtml),
      `<p style="color:#666">${escaped(footer)}</p>`,
      '</body></html>\n',
    ].join('\n'),
  };
}

function cleaned(paragraph: Paragraph): Paragraph {
  if ('facts' in paragraph) {
    return { facts: paragraph.facts.map(([what, value]) => [oneLine(what), plain(value)]) };
  }
  if ('link' in paragraph) return { label: oneLine(paragraph.label), link: paragraph.link };
  return { text: oneLine(paragraph.text) };
}

/** Sentences are longer than any foreign text in them, which each of them cuts by itself. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, ' ');
}

function asText(paragraph: Paragraph): string {
  if ('facts' in paragraph) return paragraph.facts.map(([what, value]) => `${what}: ${value}`).join('\n');
  if ('link' in paragraph) return `${paragraph.label}\n${paragraph.link}`;
  return paragraph.text;
}

function asHtml(paragraph: Paragraph): string {
  if ('facts' in paragraph) {
    const rows = paragraph.facts.map(
      ([what, value]) => `<tr><td>${escaped(what)}&nbsp;</td><td>${escaped(value)}</td></tr>`,
    );
    return `<table>${rows.join('')}</table>`;
  }
  if ('link' in paragraph) {
    const link = escaped(paragraph.link);
    return `<p>${escaped(paragraph.label)}<br><a href="${link}">${link}</a></p>`;
  }
  return `<p>${escaped(paragraph.text)}</p>`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] as string);
}
