/** A data tag as people write it: four hex digits. */
export function tagName(tag: number): string {
  return tag.toString(16).toUpperCase().padStart(4, '0');
}
