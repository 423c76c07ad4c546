import { randomBytes } from 'node:crypto';
import { certificateDetails, type Issuer, issueCertificate, softwareSigner } from '@loadline/sdk/identity';
import type Database from 'better-sqlite3-multiple-ciphers';
import { openStateDatabase } from '../scenarios/state-database.ts';
import { CloudProcess } from '../system/index.ts';
import { enrolIdentity, type GatewayIdentity } from '../system/mqtt-gateway.ts';
import { stolenRoot } from '../system/sealed-keys.ts';

const day = 86_400_000;

/**
 * Makes the state of a cloud that knows `count` gateways, and stops it. One is taken in as gateways are; the others are
 * written beside it as copies of its rows, with certificates of the fleet's authority: taking them in is not what is
 * measured, and the cloud bounds how fast one address may. All share one key, since keys are dear.
 */
export async function makeFleet(state: string, count: number): Promise<GatewayIdentity[]> {
  const cloud = await CloudProcess.start({ state });
  const first = await enrolIdentity(cloud, gatewayName(0));
  await cloud.service.stop();
  const issuer = await stolenRoot(state);
  const database = openStateDatabase(state);
  try {
    return database.transaction(() => copies(database, issuer, first, count))();
  } finally {
    database.close();
  }
}

function gatewayName(index: number): string {
  return `load-${index}`;
}

function copies(
  database: Database.Database,
  issuer: Issuer,
  first: GatewayIdentity,
  count: number,
): GatewayIdentity[] {
  const { publicKeyPem } = softwareSigner(first.privateKeyPem);
  const copyDevice = copier(database, 'device', 'id', first.id);
  const copyCertificate = copier(database, 'certificate', 'subject', first.id);
  const now = Date.now();
  const others = Array.from({ length: count - 1 }, (_, index) => {
    const id = gatewayName(index + 1);
    const chainPem = issueCertificate({
      profile: 'gateway',
      issuer,
      subject: { commonName: id, publicKeyPem },
      notBefore: now - day,
      notAfter: now + day,
      serial: randomBytes(16),
    });
    const { fingerprint, serial, notAfter: expires } = certificateDetails(chainPem);
    copyDevice({ id, number: null });
    copyCertificate({ subject: id, fingerprint, serial, expires });
    return { ...first, id, chainPem };
  });
  return [first, ...others];
}

/** Writes a row as it is where `column` is `value`, with some of its columns changed. */
function copier(database: Database.Database, table: string, column: string, value: string) {
  const row = database.prepare(`SELECT * FROM ${table} WHERE ${column} = ?`).get(value) as Record<
    string,
    unknown
  >;
  const columns = Object.keys(row);
  const insert = database.prepare(
    `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
  );
  return (changed: Record<string, unknown>) => {
    const copy = { ...row, ...changed };
    insert.run(columns.map((name) => copy[name]));
  };
}
