import type { OpenDoor } from './attack.ts';

/** The doors that can be fuzzed, by name. A new one is a file beside this, a line here, and one in ../targets.ts. */
export const doors = {
  mqtt: async (): Promise<OpenDoor> => (await import('./mqtt.ts')).openMqtt,
  https: async (): Promise<OpenDoor> => (await import('./https.ts')).openHttps,
  socket: async (): Promise<OpenDoor> => (await import('./socket.ts')).openSocket,
};
