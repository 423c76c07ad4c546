/** A line of the log: JSON, for a collector to read as much as for people. */
export interface Log {
  info(event: string, fields?: Record<string, unknown>): void;
  warn(event: string, fields?: Record<string, unknown>): void;
  error(event: string, fields?: Record<string, unknown>): void;
}

/**
 * A log of lines `{"at", "level", "event", ...fields}`. Whoever logs picks the fields one by one: keys,
 * passwords and whole configurations never are among them.
 */
export function jsonLog(write: (line: string) => void, wall: () => number): Log {
  const at =
    (level: string) =>
    (event: string, fields: Record<string, unknown> = {}): void =>
      write(`${JSON.stringify({ at: new Date(wall()).toISOString(), level, event, ...fields })}\n`);
  return { info: at('info'), warn: at('warn'), error: at('error') };
}
