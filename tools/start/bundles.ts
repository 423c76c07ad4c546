/** Builds the gateway's bundle and the page where the sources are run; a packed install brings them along. */
export async function buildBundlesOfCheckout(): Promise<void> {
  if (!import.meta.url.endsWith('.ts')) return;
  const { buildBundles } = await import('../build/bundles.ts');
  await buildBundles();
}
