import numbers from 'mqtt-packet/numbers.js';

/** Lengths below this are kept, and take two bytes at most (MQTT 3.1.1, section 2.2.3). */
const kept = 16_384;
const bytesOfEach = 2;

/*
 * mqtt-packet keeps the bytes of every length that a packet ever had, each cut from Node's pool: whoever keeps two of its
 * bytes keeps 64 KiB (mqttjs/mqtt-packet#163), and a gateway whose batches differ in length grew by a MiB a minute, up to
 * a gigabyte. What is kept lies together here.
 */
const together = Buffer.alloc(kept * bytesOfEach);
const pooled = numbers.genBufVariableByteInt;
numbers.genBufVariableByteInt = (length) => {
  const bytes = pooled(length);
  if (length >= kept) return bytes;
  const at = length * bytesOfEach;
  together.set(bytes, at);
  return together.subarray(at, at + bytes.length);
};
