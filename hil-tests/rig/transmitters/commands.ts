import { commands, dataTypes, type Packet, parameters, type TypedData } from '@loadline/sdk/t24';
import type { ModuleType } from './model.ts';
import type { ModuleMode } from './module.ts';

/** What can be sent to a module. */
export type ModuleCommand = Extract<Packet, { kind: 'read' | 'write' }>;

/** What a module says to a command: `unheard` where it does not listen, and so says nothing. */
export type ModuleReply =
  | { readonly kind: 'ack'; readonly data?: TypedData }
  | { readonly kind: 'nak' | 'dataInvalid' | 'unheard' };

/** What can be written to a module, and is lost by a reset unless it was saved. */
export interface Settings {
  /** Up to 11 characters. */
  readonly name: string;
  /** Output power in percent. */
  readonly power: number;
}

/** What commands read and change. */
interface Commanded {
  readonly id: number;
  readonly type: ModuleType;
  readonly mode: ModuleMode;
  readonly volts: number;
  readonly status: number;
  measured(): TypedData | undefined;
  readonly settings: Settings;
  change(settings: Settings): void;
  setMode(mode: Exclude<ModuleMode, 'flat'>): void;
  /** Puts off the moment at which it goes to sleep by itself. */
  stayAwake(): void;
  save(): void;
  restart(): void;
  /** Carries out a command of this type of module alone; whether there is one of this number. */
  own(number: number): boolean;
}

const longestName = 11;
const firmwareVersion = 2;

/**
 * What a module makes of a read or a write that it heard (T24 Technical Manual; certainty B). Commands are carried
 * out by writing to them, whatever is written. What a module does not have, it refuses; its key it never tells.
 */
export function carryOut(packet: ModuleCommand, module: Commanded): ModuleReply {
  return packet.kind === 'read' ? read(packet.command, module) : write(packet.command, packet.value, module);
}

function read(parameter: number, { id, type, volts, status, measured, settings }: Commanded): ModuleReply {
  switch (parameter) {
    case parameters.id:
      return ack(dataTypes.binary, {
        type: 'binary',
        value: Uint8Array.of(id >>> 16, (id >>> 8) & 0xff, id & 0xff),
      });
    case parameters.name:
      return ack(dataTypes.string, { type: 'string', value: settings.name });
    case parameters.power:
      return ack(dataTypes.uint8, { type: 'uint8', value: settings.power });
    case parameters.model:
      return ack(dataTypes.string, { type: 'string', value: type.model });
    case parameters.version:
      return ack(dataTypes.float32, { type: 'float32', value: firmwareVersion });
    case parameters.batteryLevel:
      return ack(dataTypes.float32, { type: 'float32', value: Math.fround(volts) });
    case parameters.status:
      return ack(dataTypes.uint8, { type: 'uint8', value: status });
    case parameters.value: {
      const data = measured();
      return data === undefined ? { kind: 'nak' } : { kind: 'ack', data };
    }
    default:
      return { kind: 'nak' };
  }
}

function write(number: number, value: TypedData['value'], module: Commanded): ModuleReply {
  switch (number) {
    case parameters.name:
      if (value.type !== 'string' || value.value.length > longestName) return { kind: 'dataInvalid' };
      module.change({ ...module.settings, name: value.value });
      return { kind: 'ack' };
    case parameters.power:
      if (value.type !== 'uint8' || value.value > 100) return { kind: 'dataInvalid' };
      module.change({ ...module.settings, power: value.value });
      return { kind: 'ack' };
    case commands.wake:
      // A paused module stays paused: that ends with a resume or a reset.
      if (module.mode === 'asleep') module.setMode('running');
      else module.stayAwake();
      return { kind: 'ack' };
    case commands.resume:
      module.setMode('running');
      return { kind: 'ack' };
    case commands.sleep:
      module.setMode('asleep');
      return { kind: 'ack' };
    case commands.pause:
      module.setMode('paused');
      return { kind: 'ack' };
    case commands.stayAwake:
      module.stayAwake();
      return { kind: 'ack' };
    case commands.save:
      module.save();
      return { kind: 'ack' };
    case commands.reset:
      module.restart();
      return { kind: 'ack' };
    default:
      return module.own(number) ? { kind: 'ack' } : { kind: 'nak' };
  }
}

function ack(dataType: number, value: TypedData['value']): ModuleReply {
  return { kind: 'ack', data: { dataType, value } };
}
