declare module 'mqtt-packet/numbers.js' {
  const numbers: {
    /** The bytes of a length as MQTT has them (3.1.1, section 2.2.3). */
    genBufVariableByteInt: (length: number) => Buffer;
  };
  export default numbers;
}
