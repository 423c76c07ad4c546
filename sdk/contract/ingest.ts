/** Where devices deliver over HTTPS. */
export const ingestPath = '/ingest/v1';
