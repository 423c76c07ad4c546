import { randomBytes } from 'node:crypto';
import {
  keyProof,
  type QuestionBody,
  type QuestionName,
  questions,
  type Reply,
  recordToSign,
} from '@loadline/sdk/provisioning';
import { keyName, parseToml } from '@loadline/sdk/toml';
import type { AgentOptions, Tell } from './agent.ts';
import { describe } from './describe.ts';
import { publicKeyDigest, said, stateOf } from './in-force.ts';
import { readKeptNetwork } from './network.ts';
import { checkRecord } from './record.ts';
import type { SiteRecord } from './records.ts';
import { Refused } from './refused.ts';
import {
  checkOrder,
  checkUndelivered,
  committed,
  judgeCommit,
  keyed,
  newSession,
  owned,
  type Session,
  written,
} from './session.ts';
import { checkSite, names, sha256 } from './site-files.ts';
import { type Attempts, acceptVoucher, certificatesIn, fingerprintOf, voucherDigest } from './voucher.ts';

/** One session: see `session.ts`. */
export class Talk {
  readonly #options: AgentOptions;
  readonly #attempts: Attempts;
  readonly #tell: Tell;
  readonly #inTurn: <Result>(work: () => Promise<Result>) => Promise<Result>;
  readonly #ended = new AbortController();
  #session: Session = newSession(randomBytes(16).toString('hex'));
  /** SHA-256 of the secrets in what was written, by their paths in the site: they are not kept as they came. */
  #secrets: Readonly<Record<string, string>> = {};
  #stopListening: (() => Promise<void>) | undefined;

  constructor(
    options: AgentOptions,
    attempts: Attempts,
    tell: Tell,
    inTurn: <Result>(work: () => Promise<Result>) => Promise<Result>,
  ) {
    this.#options = options;
    this.#attempts = attempts;
    this.#tell = tell;
    this.#inTurn = inTurn;
  }

  /** Nobody is there any more. */
  async end(): Promise<void> {
    this.#ended.abort(new Error('the session is over'));
    await this.#endListening();
  }

  /**
   * Answers a question.
   *
   * @throws Refused
   */
  async answer(question: QuestionName, body: unknown): Promise<unknown> {
    const { data, error } = questions[question].body.safeParse(body ?? {});
    if (error) {
      const [issue] = error.issues;
      const path = keyName(
        (issue?.path ?? []).map((part) => (typeof part === 'number' ? part : String(part))),
      );
      throw new Refused('question-malformed', `${question}: ${path} ${issue?.message ?? ''}`.trim());
    }
    const { store } = this.#options;
    const check = () => {
      const { inForce, ownership } = store;
      checkOrder(this.#session, { inForce, ownershipCounter: ownership.counter }, question);
    };
    check();
    switch (question) {
      case 'describe':
        return await describe(this.#options, this.#session.nonce);
      case 'own':
        return await this.#inTurn(() => this.#own(data as QuestionBody<'own'>));
      case 'listen':
        // In turn: asked twice at once, one would begin that nobody ends.
        return await this.#inTurn(() => this.#listen(data as QuestionBody<'listen'>));
      case 'trial':
        return await this.#trial(data as QuestionBody<'trial'>);
      default:
        return await this.#inTurn(async () => {
          // What was before it may have changed what is in force.
          check();
          return await this.#change(question, data);
        });
    }
  }

  async #change(
    question: Exclude<QuestionName, 'describe' | 'own' | 'listen' | 'trial'>,
    data: unknown,
  ): Promise<unknown> {
    try {
      switch (question) {
        case 'key':
          return await this.#key(data as QuestionBody<'key'>);
        case 'write':
          return await this.#write(data as QuestionBody<'write'>);
        case 'read':
          return await this.#read();
        case 'commit':
          return await this.#commit(data as QuestionBody<'commit'>);
        case 'sign':
          return await this.#sign(data as QuestionBody<'sign'>);
        case 'reset':
          return await this.#reset();
        case 'close':
          return this.#close();
      }
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      // A code of the system's: what failed is below this program.
      if (error instanceof Refused || !/^E[A-Z0-9]+$/.test(code ?? '')) throw error;
      throw new Refused('disk-failed', `${question}: ${message}`, { cause: error });
    }
  }

  async #own({ voucher, discardUndelivered }: QuestionBody<'own'>): Promise<Reply<'own'>> {
    const { store, board, makerPem, time, work, onStep } = this.#options;
    this.#attempts.count();
    const { inForce, ownership } = store;
    const accepted = await acceptVoucher(voucher, {
      makerPem,
      serialNumber: board.serialNumber,
      nonce: this.#session.nonce,
      ownershipCounter: ownership.counter,
      time: time(),
    }).catch((error: unknown) => {
      if (error instanceof Refused) onStep('voucher-refused', { reason: error.message.slice(0, 300) });
      throw error;
    });
    this.#attempts.clear();
    const { organisation, ownershipCounter, pinnedAuthorityPem } = accepted;
    if (inForce !== undefined && inForce.organisation !== organisation) {
      checkUndelivered(await work.undelivered(), discardUndelivered);
    }
    this.#session = owned(this.#session, {
      organisation,
      ownershipCounter,
      voucher: voucherDigest(voucher),
      pinnedAuthorityPem,
      discardsUndelivered: discardUndelivered,
    });
    onStep('owned', { organisation, ownershipCounter });
    return { organisation, ownershipCounter };
  }

  async #listen({ on }: QuestionBody<'listen'>): Promise<Reply<'listen'>> {
    await this.#endListening();
    if (on && !this.#ended.signal.aborted) {
      this.#stopListening = this.#options.listening.begin((tags) => this.#tell('heard', { tags }));
    }
    return {};
  }

  async #endListening(): Promise<void> {
    const end = this.#stopListening;
    this.#stopListening = undefined;
    await end?.();
  }

  async #key({ gatewayId, challenge }: QuestionBody<'key'>): Promise<Reply<'key'>> {
    const { store, board, onStep } = this.#options;
    const { createSigningRequest, generateKeyPair, softwareSigner } = await import('@loadline/sdk/identity');
    const privateKeyPem = await store.keyFor(gatewayId, this.#owner.organisation, async () => {
      onStep('key-made', { gateway: gatewayId });
      return (await generateKeyPair()).privateKeyPem;
    });
    this.#session = keyed(this.#session, gatewayId);
    const signer = softwareSigner(privateKeyPem);
    const request = createSigningRequest({ commonName: gatewayId, signer });
    const { nonce } = this.#session;
    const proven = keyProof({ challenge, nonce, serialNumber: board.serialNumber, gatewayId, request });
    return { request, proof: Buffer.from(signer.sign(proven)).toString('base64') };
  }

  async #write({ site: text }: QuestionBody<'write'>): Promise<Reply<'write'>> {
    const { store, makerPem, time, onStep } = this.#options;
    const owner = this.#owner;
    const { keyOf } = this.#session;
    const folder = store.stagedFolder;
    const privateKeyPem = folder && (await store.read(folder, names.key));
    if (keyOf === undefined || folder === undefined || privateKeyPem === undefined) {
      throw new Refused('key-missing', 'the key that was asked for is not there any more');
    }
    const checked = checkSite(text, { owner, keyOf, privateKeyPem, makerPem, time: time(), folder });
    const publicKey = publicKeyDigest(privateKeyPem);
    const { ownershipCounter, voucher } = owner;
    await store.write(checked, { ownershipCounter, voucher, publicKey });
    this.#session = written(this.#session, checked.digest, checked.site.gatewayId);
    this.#secrets = checked.secrets;
    onStep('site-written', { gateway: checked.site.gatewayId, site: checked.digest });
    return { digest: checked.digest };
  }

  async #read(): Promise<Reply<'read'>> {
    const { store } = this.#options;
    const isPresent = this.#session.written === undefined;
    const { folder, record } = isPresent ? this.#present() : await this.#whole();
    const fileOf = async (name: string) => (await store.read(folder, name)) ?? '';
    const configuration = parseToml(await fileOf(names.configuration), names.configuration).table;
    return {
      digest: record.digest,
      gatewayId: record.gatewayId,
      configuration,
      authority: certificatesIn(await fileOf(names.authority)).map(fingerprintOf),
      chain: certificatesIn(await fileOf(names.chain)).map(fingerprintOf),
      secrets: isPresent ? {} : this.#secrets,
      ...(isPresent && {
        present: presentOf(record, await fileOf(names.network), await fileOf(names.proxyPassword)),
      }),
    };
  }

  /** What is in force. Its certificate may have been renewed since it was written. */
  #present(): { folder: string; record: SiteRecord } {
    const { inForce: record, currentFolder: folder } = this.#options.store;
    if (record === undefined || folder === undefined) {
      throw new Refused('nothing-written', 'nothing was written in this session, and nothing is in force');
    }
    return { folder, record };
  }

  /** What was written in this session, whole and as it was written, beside or in force. */
  async #whole(): Promise<{ folder: string; record: SiteRecord }> {
    const { store } = this.#options;
    const digest = this.#session.written?.digest;
    for (const folder of [store.stagedFolder, store.currentFolder]) {
      const record = folder && (await store.readBack(folder));
      if (record && record.digest === digest && record.voucher === this.#owner.voucher)
        return { folder, record };
    }
    throw new Refused(
      'digest-differs',
      'what was written in this session is not there, or not as it was written',
    );
  }

  async #commit({ digest }: QuestionBody<'commit'>): Promise<Reply<'commit'>> {
    const { store, work, listening, onStep } = this.#options;
    const commit = judgeCommit(this.#session, store.inForce, digest, await work.undelivered());
    if (commit.kind === 'due') {
      await this.#whole();
      await listening.suspend();
      await work.stop();
      try {
        const leftover = await store.commit(commit.keepsJournal);
        if (leftover !== undefined) onStep('not-cleared', { reason: leftover.message });
        const { gatewayId, organisation, ownershipCounter } = store.inForce as SiteRecord;
        onStep('committed', { gateway: gatewayId, organisation, ownershipCounter, site: digest });
      } finally {
        // With what is in force now, whichever that is.
        await work.start();
        listening.resume();
      }
    }
    this.#session = committed(this.#session);
    return { state: stateOf(await said(store)) };
  }

  async #trial({ seconds }: QuestionBody<'trial'>): Promise<Reply<'trial'>> {
    const { store, work } = this.#options;
    const reading = await work.trial.run({
      seconds,
      signal: this.#ended.signal,
      tell: (step, detail) => void this.#tell('trial', { step, detail }),
    });
    const certificate = (await said(store))?.certificate;
    if (certificate === undefined) throw new Refused('trial-failed', 'it delivers, and has no certificate');
    return { reading, fingerprint: fingerprintOf(certificate) };
  }

  async #sign({ record }: QuestionBody<'sign'>): Promise<Reply<'sign'>> {
    const { store, board, work, onStep } = this.#options;
    const inForce = store.inForce as SiteRecord;
    const present = await said(store);
    if (present === undefined) throw new Refused('record-refused', 'this gateway has no key any more');
    const { facts } = await board.look();
    checkRecord(record, {
      ...{ site: inForce, present, facts },
      hasDelivered: (reading) => work.trial.hasDelivered(reading),
    });
    const { softwareSigner } = await import('@loadline/sdk/identity');
    const signature = softwareSigner(present.privateKeyPem).sign(recordToSign(record));
    onStep('record-signed', { record: sha256(record) });
    return { signature: Buffer.from(signature).toString('base64') };
  }

  async #reset(): Promise<Reply<'reset'>> {
    const { store, work, listening, onStep } = this.#options;
    const { inForce } = store;
    if (inForce !== undefined && inForce.organisation !== this.#owner.organisation) {
      checkUndelivered(await work.undelivered(), this.#owner.discardsUndelivered);
    }
    const undelivered = await work.undelivered();
    await listening.suspend();
    await work.stop();
    try {
      await store.reset();
    } finally {
      await work.start();
      listening.resume();
    }
    this.#session = { ...newSession(this.#session.nonce), owner: this.#session.owner };
    onStep('reset', { undelivered });
    return { undelivered };
  }

  #close(): Reply<'close'> {
    // The answer is to leave first.
    setTimeout(() => this.#options.onClose(), closeMilliseconds);
    return {};
  }

  get #owner() {
    const { owner } = this.#session;
    if (owner === undefined) throw new Refused('not-owned', 'nobody has shown a voucher in this session');
    return owner;
  }
}

function presentOf({ name }: SiteRecord, networkJson: string, proxyPassword: string) {
  const { wifi, ...rest } = readKeptNetwork(networkJson);
  const { psk = null } = wifi ?? {};
  return {
    name,
    network: { ...rest, ...(wifi && { wifi: { ssid: wifi.ssid, country: wifi.country } }) },
    preSharedKey: psk === null ? null : sha256(psk),
    proxyPassword: proxyPassword === '' ? null : sha256(proxyPassword.replace(/\n$/, '')),
  };
}

/** From the answer to `close` to the end of the mode: the tool has it by then, or asks a gateway that is done. */
const closeMilliseconds = 500;
