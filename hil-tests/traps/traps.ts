import { fieldTraps } from './field.ts';
import { otherLibraryTraps } from './libraries.ts';
import { aedesTraps, mqttJsTraps } from './mqtt.ts';
import { serialPortTraps } from './serial-port.ts';
import { tlsTraps } from './tls.ts';
import { toolTraps } from './tools.ts';
import type { Trap } from './trap.ts';

/** Every trap that is known, library by library. */
export const traps: readonly Trap[] = [
  ...serialPortTraps,
  ...mqttJsTraps,
  ...aedesTraps,
  ...tlsTraps,
  ...otherLibraryTraps,
  ...toolTraps,
  ...fieldTraps,
];
