import type { OpenDoor } from './attack.ts';

/** The doors that can be fuzzed, by name. A new one is a file beside this, and a line here. */
export const doors: Readonly<Record<string, () => Promise<OpenDoor>>> = {
  mqtt: async () => (await import('./mqtt.ts')).openMqtt,
  https: async () => (await import('./https.ts')).openHttps,
  socket: async () => (await import('./socket.ts')).openSocket,
};
