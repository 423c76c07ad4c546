import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openPrivateKey, readKeys } from '@loadline/cloud/keys';
import { certificateDetails, type Issuer, softwareSigner } from '@loadline/sdk/identity';

/** What whoever has a cloud's whole state folder has: its private keys are sealed with `keys.json`, which lies beside them. */

/** The root of a cloud that made its own: whoever has it makes gateways and servers. */
export async function stolenRoot(state: string): Promise<Issuer> {
  const { roots } = JSON.parse(await readFile(join(state, 'authority/authority.json'), 'utf8')) as {
    roots: { certificate: string; key: string }[];
  };
  const [root] = roots;
  if (root === undefined) throw new Error(`${state} has no root`);
  return {
    certificatePem: root.certificate,
    signer: softwareSigner(await opened(state, root)),
  };
}

/** The key and certificate of its doors. */
export async function stolenServer(state: string): Promise<{ privateKeyPem: string; chainPem: string }> {
  const server = JSON.parse(await readFile(join(state, 'authority/server.json'), 'utf8')) as {
    certificate: string;
    key: string;
  };
  return { privateKeyPem: await opened(state, server), chainPem: server.certificate };
}

async function opened(
  state: string,
  { certificate, key }: { certificate: string; key: string },
): Promise<string> {
  const keys = await readKeys(state);
  if (keys === undefined) throw new Error(`${state} has no keys`);
  return await openPrivateKey(keys, certificateDetails(certificate).publicKeyPem, key);
}
