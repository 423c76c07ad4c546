// Imported before everything else: an older Node stops at the first thing that it does not know, and says that instead.

const needed = 24;

if (Number.parseInt(process.versions.node, 10) < needed) {
  process.stderr.write(
    `gateway: needs Node ${needed}, and this is ${process.version} (${process.execPath}). ` +
      'Unpack an archive of nodejs.org over /usr/local, or put its `node` before the other in PATH.\n',
  );
  // As a configuration that cannot be used: systemd does not try again.
  process.exit(2);
}
