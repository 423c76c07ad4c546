/** A time of day, every day, in minutes since midnight UTC: from the first to before the second, over midnight where that is earlier. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

const form = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/;

/** Reads `02:00-04:00`; undefined for what is no window, an empty one included. */
export function parseWindow(text: string): Window | undefined {
  const [hours, minutes, untilHours, untilMinutes] = (form.exec(text) ?? []).slice(1).map(Number);
  if (hours === undefined || minutes === undefined) return undefined;
  if (untilHours === undefined || untilMinutes === undefined) return undefined;
  const window = { from: hours * 60 + minutes, to: untilHours * 60 + untilMinutes };
  return window.from === window.to ? undefined : window;
}
