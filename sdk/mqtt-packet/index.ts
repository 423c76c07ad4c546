// First: what it replaces is looked up when the package is loaded.
import './lengths.ts';

export { generate, parser } from 'mqtt-packet';
