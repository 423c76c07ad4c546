import type { ReportedMessage } from '@loadline/sdk/contract';
import type { DerivedConfig, SensorConfig } from './config/index.ts';
import { version } from './version.ts';

/** What the gateway says it is configured to be. */
export function reportedOf(
  {
    sensors,
    derived,
  }: { readonly sensors: readonly SensorConfig[]; readonly derived: readonly DerivedConfig[] },
  configuration: ReportedMessage['configuration'],
): ReportedMessage {
  return {
    version: 1,
    runtime: `loadline-gateway ${version}`,
    sensors: [
      ...sensors.map((sensor) => {
        const { tag, name, unit, simulated, module } = sensor;
        const interval = sentEvery(sensor);
        return {
          tag,
          name,
          unit,
          simulated,
          ...(interval !== undefined && { intervalSeconds: interval }),
          ...(module !== undefined && { module }),
        };
      }),
      ...derivedOf(sensors, derived),
    ],
    configuration,
  };
}

/** What is worked out of something simulated is simulated. */
function derivedOf(sensors: readonly SensorConfig[], derived: readonly DerivedConfig[]) {
  const simulated = new Set(sensors.filter((sensor) => sensor.simulated).map(({ name }) => name));
  return derived.map(({ tag, name, unit, of }) => {
    const isSimulated = [of].flat().some((source) => simulated.has(source));
    if (isSimulated) simulated.add(name);
    return { tag, name, unit, simulated: isSimulated, derived: true };
  });
}

/** Seconds between readings as they are sent, not as they are heard: whoever looks knows no others. */
function sentEvery({ interval_seconds, send }: SensorConfig): number | undefined {
  switch (send.policy) {
    case 'every':
      return interval_seconds;
    case 'change':
      return send.max_seconds;
    case 'window':
      return send.seconds;
  }
}
