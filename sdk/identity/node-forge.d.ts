// The inner modules of node-forge, which its types do not know: they all add to one object.
declare module 'node-forge/lib/forge.js' {
  import forge from 'node-forge';

  export default forge;
}

declare module 'node-forge/lib/pkcs7.js';
declare module 'node-forge/lib/x509.js';
