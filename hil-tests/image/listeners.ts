/**
 * Sockets that somebody outside could speak to, in what `ss -Hlntup` says: all but the DHCP client, which is UDP 68 of
 * systemd-networkd. What is bound to the machine itself can be spoken to by nobody else.
 */
export function strayListeners(said: string): string[] {
  return said
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .filter((line) => {
      const [protocol = '', , , , local = ''] = line.split(/\s+/);
      const address = local.slice(0, local.lastIndexOf(':'));
      const port = local.slice(local.lastIndexOf(':') + 1);
      const isDhcp = protocol === 'udp' && port === '68' && line.includes('systemd-network');
      const isOwn = /^(127\.|\[::1\]$)/.test(address);
      return !isDhcp && !isOwn;
    });
}
