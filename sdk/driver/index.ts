export {
  type Decoded,
  type Decoder,
  type Driver,
  type DriverSupport,
  type Measurement,
  type OtherFrame,
  paddingReason,
  type Transport,
} from './driver.ts';
export { driverNamed, drivers } from './drivers.ts';
export { loadDriver } from './load.ts';
