/** Sensors of a gateway under a bench, one tag each. */
export const sensors = 100;
export const firstTag = 0x1000;

/** Their tables in the gateway's configuration. */
export function sensorTables() {
  return Array.from({ length: sensors }, (_, index) => ({
    tag: (firstTag + index).toString(16),
    name: `sensor ${index}`,
    unit: 'kN',
    interval_seconds: 1,
  }));
}
