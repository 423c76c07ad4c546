// Plain JavaScript, and first in each script: an older Node cannot say what is wrong with a .ts file.
if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(`my-gateway needs Node 24 or newer, and this is ${process.version}`);
  process.exit(1);
}
