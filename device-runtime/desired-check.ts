import { type Driver, driverNamed } from '@loadline/sdk/driver';
import { type Config, type LocalConfig, withDesired } from './config/index.ts';

/** A configuration that can be switched to, or everything that is wrong with it. */
type Checked = ReturnType<typeof withDesired>;

/**
 * What a document from the cloud makes of the gateway's own file, judged whole: by the configuration's rules, and by the
 * drivers, which alone know their options. Whatever they refuse must be known before anything is stopped for it.
 */
export function checkDesired(
  local: LocalConfig,
  drivers: readonly Driver[],
): (document: Readonly<Record<string, unknown>>) => Checked {
  return (document) => {
    const checked = withDesired(local, document);
    if ('problems' in checked) return checked;
    const problems = optionsFaults(checked.config, drivers);
    return problems.length === 0 ? checked : { problems };
  };
}

/** Ports whose drivers refuse their options, by key. */
export function optionsFaults(
  { ports }: Config,
  drivers: readonly Driver[],
): { readonly key: string; readonly message: string }[] {
  return ports.flatMap((port, index) => {
    const message = optionsFault(port, drivers);
    return message === undefined ? [] : [{ key: `ports[${index + 1}]`, message }];
  });
}

/** Why a port's driver refuses its options, naming the key; undefined where it does not. */
function optionsFault(
  { driver, options }: Config['ports'][number],
  drivers: readonly Driver[],
): string | undefined {
  try {
    driverNamed(driver, drivers).open(options);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
