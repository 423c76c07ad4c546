import type { Device } from './api.ts';

/** How a device stands: its switch, and its link where it holds one open. */
export function DeviceState({
  enabled,
  retired,
  connected,
  kind,
}: Pick<Device, 'enabled' | 'retired' | 'connected' | 'kind'>) {
  if (retired !== null) return <span class="badge">retired</span>;
  if (!enabled) return <span class="badge is-bad">switched off</span>;
  // A program that delivers by HTTPS holds no link, and lacks none.
  if (kind === 'software' && !connected) return <span class="muted">switched on</span>;
  return <span class={connected ? 'link is-live' : 'link'}>{connected ? 'connected' : 'not connected'}</span>;
}
