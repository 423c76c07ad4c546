/** A message as it was stored; undefined where there is none, or one of an older version that no longer says enough. */
export function parseStored<T>(
  json: string | null,
  schema: { safeParse(value: unknown): { data?: T | undefined } },
): T | undefined {
  return json === null ? undefined : schema.safeParse(JSON.parse(json)).data;
}
