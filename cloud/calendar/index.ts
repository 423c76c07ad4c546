export { type BucketUnit, bucketsOf, bucketUnits, isTimeZone } from './buckets.ts';
