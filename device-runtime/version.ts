import manifest from './package.json' with { type: 'json' };

/** The runtime's version, as its package says. */
export const version: string = manifest.version;

/** The day this version was made, ms since 1970: no clock is right that is before it. Set with the version. */
export const madeAt: number = Date.UTC(2026, 10, 22);
