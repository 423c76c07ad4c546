export { type AirCounts, type AirOptions, VirtualAir } from './air.ts';
export { type BaseStationOptions, type Receiver, VirtualBaseStation, VirtualGw1 } from './base-station.ts';
export type { ByteSink } from './byte-sink.ts';
export { type Clock, realClock, SimulatedClock } from './clock.ts';
export { RigError, type RigErrorCode } from './errors.ts';
export {
  FaultProxy,
  type FaultProxyOptions,
  type Faults,
  noFaults,
  type ProxyCounts,
} from './fault-proxy.ts';
export type { Loss, StreamFaults } from './faulty-stream.ts';
export type { Intake } from './intake.ts';
export { type Laced, type LaceOptions, lace } from './lace.ts';
export type { People } from './link.ts';
export {
  type AnswerKind,
  type ModuleAnswer,
  type ModulesOptions,
  type ReceivedCommand,
  VirtualModules,
} from './modules.ts';
export { type Chunks, type Played, type PlayOptions, playRecording } from './player.ts';
export type { PortLink } from './port-link.ts';
export { Program, type ProgramEnd, type ProgramOptions, type SaidOptions } from './program.ts';
export type { ProxyTarget } from './proxied-connection.ts';
export { type RadioOptions, VirtualRadio } from './radio.ts';
export { LineRecorder, type RecorderOptions } from './recorder.ts';
export {
  type ReadRecordingOptions,
  type Recording,
  RecordingError,
  type RecordingForm,
  type RecordingProblem,
  readRecording,
} from './recording.ts';
export { Rival, type RivalGrip } from './rival.ts';
export { type LineOptions, type LineSpeed, SerialLine } from './serial-line.ts';
export { type BrownOut, type SpoiledCounts, SpoiledLine, type SpoiledLineOptions } from './spoiled-line.ts';
export {
  type LineSide,
  type PlayTimedOptions,
  playTimed,
  readBothSides,
  readTimes,
  recordingLine,
  type TimedBytes,
} from './timed.ts';
export {
  type BatteryOptions,
  type FastStrainOptions,
  fastStrainTransmitter,
  float32,
  type LoadOptions,
  loadTransmitter,
  type Measured,
  type Model,
  type ModuleCommand,
  type ModuleMode,
  type ModuleReply,
  type ModuleType,
  type PulseOptions,
  pulseTransmitter,
  type TemperatureOptions,
  type TransmitterOptions,
  temperatureTransmitter,
  VirtualBattery,
  VirtualModule,
  type VirtualTransmitter,
  type WindOptions,
  windTransmitter,
} from './transmitters/index.ts';
export { type UntilOptions, until } from './until.ts';
export { type CableEnd, VirtualCable, type VirtualCableOptions } from './virtual-cable.ts';
export { type PluggedDevice, VirtualDevices, type VirtualDevicesOptions } from './virtual-devices.ts';
export {
  type PortBehaviour,
  type PortState,
  VirtualPort,
  type VirtualPortOptions,
} from './virtual-port.ts';
export type { Obstacle, Place } from './ways.ts';
