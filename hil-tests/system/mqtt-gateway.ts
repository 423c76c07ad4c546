import { request } from 'node:https';
import { createSigningRequest, enrol, generateKeyPair, softwareSigner } from '@loadline/sdk/identity';
import { connect, type MqttClient } from 'mqtt';
import type { CloudProcess } from './cloud-process.ts';
import { enrolmentSecretOf } from './gateway-process.ts';

/**
 * A gateway that is nothing but an MQTT client with a certificate: for tests that say which bytes are sent when.
 * Not in this folder's index.ts, because the `mqtt` package is for the project's own tests.
 */

/** What a gateway proves itself with: all PEM. */
export interface GatewayIdentity {
  readonly id: string;
  readonly privateKeyPem: string;
  /** Its certificate, then what stands between that and the authority. */
  readonly chainPem: string;
  readonly authorityPem: string;
}

/** Takes a gateway in at the cloud, makes a key and enrols it: what a gateway's first start does. */
export async function enrolIdentity(cloud: CloudProcess, id: string): Promise<GatewayIdentity> {
  return await enrolWith(cloud, id, await enrolmentSecretOf(cloud.organisation, id));
}

/** The same of a gateway that has been taken in, by its one-time secret. */
export async function enrolWith(cloud: CloudProcess, id: string, secret: string): Promise<GatewayIdentity> {
  const { privateKeyPem } = await generateKeyPair();
  cloud.service.watchFor(secret, 'an enrolment secret');
  const { authorityPem } = cloud;
  const { chainPem } = await enrol({
    url: cloud.url,
    gatewayId: id,
    secret,
    requestPem: createSigningRequest({ commonName: id, signer: softwareSigner(privateKeyPem) }),
    authorityPem,
    request,
    signal: AbortSignal.timeout(15_000),
  });
  return { id, privateKeyPem, chainPem, authorityPem };
}

/**
 * Connects over TLS as MQTT 3.1.1 with a clean session, once: a lost connection is not made again. Resolves at the
 * CONNACK; rejects with what ended it before. MQTT.js leaves publishes of a lost connection unanswered for ever:
 * watch `close`. Close with `client.end(true)`.
 *
 * @param port of the MQTT door on localhost, or of a fault proxy before it; by ALPN, of HTTPS
 */
export function connectGateway(
  port: number,
  identity: GatewayIdentity,
  by: 'port' | 'alpn' = 'port',
): Promise<MqttClient> {
  const client = connect({
    protocol: 'mqtts',
    host: 'localhost',
    port,
    ...(by === 'alpn' && { ALPNProtocols: ['mqtt'] }),
    clientId: identity.id,
    ca: identity.authorityPem,
    key: identity.privateKeyPem,
    cert: identity.chainPem,
    protocolVersion: 4,
    clean: true,
    keepalive: 30,
    reconnectPeriod: 0,
    resubscribe: false,
    connectTimeout: 10_000,
  });
  return new Promise((resolve, reject) => {
    let reason: Error | undefined;
    // It stays: an error after the CONNACK is told by `close` too, and unheard it would end the process.
    client.on('error', (error) => {
      reason ??= error;
    });
    client.once('connect', () => resolve(client));
    client.once('close', () => {
      client.end(true);
      reject(reason ?? new Error('the connection was closed before its CONNACK'));
    });
  });
}
