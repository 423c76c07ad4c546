export type {
  Decoded,
  Decoder,
  Driver,
  DriverSupport,
  Measurement,
  OtherFrame,
  Transport,
} from './driver.ts';
