import type { Trap } from './trap.ts';

/** What users of such systems complain of most. */
export const fieldTraps: readonly Trap[] = [
  {
    name: 'field-backlog-forgotten',
    bites: 'Data that came while the broker was away is lost.',
    guard: 'Each connection begins with everything that the journal holds.',
    removals: [
      {
        file: 'device-runtime/uplink/uplink.ts',
        text: 'this.#schedule = connected(journal.heldRanges(), journal.next);',
        by: 'this.#schedule = connected([], journal.next);',
      },
    ],
    heldBy: ['device-runtime/uplink/uplink.test.ts'],
  },
  {
    name: 'field-half-open',
    bites: 'A link whose other end is gone says nothing, and looks as if it stood.',
    guard: 'A silence is asked about, and given up in seconds.',
    removals: [
      {
        file: 'sdk/mqtt/mqtt-link.ts',
        text: '        this.lose(verdict.reason);\n        return;',
        by: '        return;',
      },
    ],
    heldBy: ['device-runtime/uplink/half-open.test.ts'],
  },
  {
    name: 'field-no-network-at-boot',
    bites: 'A gateway gives up where the network is not there when it starts.',
    guard: 'An attempt that fails is followed by another, for ever.',
    removals: [
      {
        file: 'device-runtime/uplink/uplink.ts',
        text: '        reason = (error as Error).message;\n      }\n      if (signal.aborted) return;',
        by: '        throw error;\n      }\n      if (signal.aborted) return;',
      },
    ],
    heldBy: ['device-runtime/uplink/uplink.test.ts'],
  },
  {
    name: 'field-torn-write',
    bites: 'A power cut leaves half a record, and what is read of it is rubbish.',
    guard: 'Each record has a checksum, and the first that fails ends the segment.',
    removals: [
      {
        file: 'device-runtime/journal/segment.ts',
        text: ' || crc32(payload, seed) !== bytes.readUInt32LE(offset + 4)',
        by: '',
      },
    ],
    heldBy: ['device-runtime/journal/damage.test.ts'],
  },
  {
    name: 'field-unsynced',
    bites: 'What was written is in the memory of the system, and gone after a power cut.',
    guard: 'A write is over when it has been synced.',
    removals: [{ file: 'device-runtime/journal/writer.ts', text: '    await this.#file.sync();', by: '' }],
    heldBy: ['device-runtime/journal/power-loss.test.ts'],
  },
  {
    name: 'field-worn-card',
    bites: 'SD cards are worn out by writes for every reading.',
    guard: 'Writes are gathered for the flush time, and what is acknowledged before is never written.',
    removals: [
      {
        file: 'device-runtime/journal/disk-journal.ts',
        text: 'return this.#ages.of(oldest) + this.#options.flushMilliseconds;',
        by: 'return this.#ages.of(oldest);',
      },
    ],
    heldBy: ['device-runtime/journal/journal.test.ts'],
  },
  {
    name: 'field-cloned-card',
    bites: 'Two devices cloned from one card end each other, again and again, and nobody is told.',
    guard: 'A process that was let in before the last one and comes back is known to be another.',
    removals: [
      {
        file: 'cloud/doors/mqtt/contest.ts',
        text: "return { kind: 'came-back', before, last };",
        by: "return { kind: 'in-turn' };",
      },
    ],
    heldBy: ['cloud/doors/mqtt/contest.test.ts'],
  },
  {
    name: 'field-latest-received',
    bites: 'The "latest value" is the one received last, not the newest.',
    guard: 'The newest is the newest by its own time.',
    removals: [
      {
        file: 'cloud/store/series-index.ts',
        text: 'if (time !== this.#time) return time > this.#time;',
        by: 'if (time !== this.#time) return true;',
      },
    ],
    heldBy: ['cloud/store/series-index.test.ts'],
  },
  {
    name: 'field-token-in-url',
    bites: 'Tokens of devices stand in addresses, which every proxy and log keeps.',
    guard: 'An address that holds what looks like one is refused with the reason.',
    removals: [
      {
        file: 'cloud/doors/https/ingest/url-secret.ts',
        text: 'if (tokenForm.test(decoded(decoded(target)))) return true;',
        by: '',
      },
    ],
    heldBy: ['cloud/doors/https/ingest/head.test.ts'],
  },
  {
    name: 'field-link-spent-by-preview',
    bites: 'A link for one use is spent by the preview of a chat program.',
    guard: 'Its secret is in the fragment, which is sent to nobody who only looks at the address.',
    removals: [{ file: 'cloud/people/links.ts', text: 'url.hash = ', by: 'url.search = ' }],
    heldBy: ['cloud/people/links.test.ts'],
  },
  {
    name: 'field-attempt-unlogged',
    bites: 'Attempts to get in appear in no log.',
    guard: 'Who was refused by his certificate is noted where its owner sees it.',
    removals: [
      {
        file: 'cloud/doors/mqtt/door.ts',
        text: 'if (told !== undefined) authentications.add(told);',
        by: '',
      },
    ],
    heldBy: ['cloud/doors/mqtt/audited.test.ts'],
  },
  {
    name: 'field-lockout',
    bites: 'The lockout is the attack: whoever guesses at a name keeps its owner out.',
    guard: 'A device that its owner has logged in on before is counted for itself.',
    removals: [
      {
        file: 'cloud/guard/guard.ts',
        text: '    if (device === undefined) return undefined;\n    const key',
        by: '    if (device !== null) return undefined;\n    const key',
      },
    ],
    heldBy: ['cloud/guard/owner.test.ts'],
  },
  {
    name: 'field-throttled-unsaid',
    bites: 'Who sends too much is slowed or cut, and never hears why.',
    guard: 'It is said on the link, with the limit and until when.',
    removals: [
      {
        file: 'cloud/doors/mqtt/pace.ts',
        text: 'if (this.#toldAt === undefined || now - this.#toldAt >= noticeMilliseconds) {',
        by: 'if (false) {',
      },
    ],
    heldBy: ['cloud/doors/limited.test.ts'],
  },
  {
    name: 'field-expired-offline',
    bites: 'The certificate of a device that was off for months has ended, and nothing lets it renew it.',
    guard: 'An ended certificate renews itself for as long as its organisation says.',
    removals: [
      {
        file: 'cloud/devices/renewals.ts',
        text: 'const days = directory.certificateGraceDays(gateway.device.organisation);',
        by: 'const days = 0;',
      },
    ],
    heldBy: ['cloud/doors/https/reenrol-expired.test.ts'],
  },
  {
    name: 'field-worn-by-logs',
    bites: 'SD cards are worn out by logs.',
    guard: 'The journal of the system is in memory, and bounded.',
    removals: [
      {
        file: 'tools/image/system/usr/lib/systemd/journald.conf.d/loadline.conf',
        text: 'Storage=volatile\n',
        by: '',
      },
    ],
    heldBy: ['tools/image/system.test.ts'],
  },
  {
    name: 'field-half-updated',
    bites: 'An update is half done, and what is there neither runs nor goes.',
    guard: 'A slot is believed only where every file of it is as its release says.',
    removals: [
      {
        file: 'device-runtime/slots/install.ts',
        text: 'there?.equals(bytes) && (await isTreeWhole(place, manifest))',
        by: 'there?.equals(bytes)',
      },
    ],
    heldBy: ['device-runtime/slots/install.test.ts'],
  },
  {
    name: 'field-update-kills',
    bites: 'The new release does not come up, and the device is lost.',
    guard:
      'A release on trial has three starts, each counted before it is made; then what ran before runs again.',
    removals: [
      {
        file: 'device-runtime/launcher/loadline-launch',
        text: 'if [ -n "$trial" ] && [ "$starts" -ge $most ]; then go_back starts; fi',
        by: ':',
      },
    ],
    heldBy: ['device-runtime/launcher/going-back.test.ts'],
  },
  {
    name: 'field-acked-unstored',
    bites: 'What was acknowledged was never stored.',
    guard: 'The acknowledgement waits for the commit.',
    removals: [
      {
        file: 'cloud/doors/mqtt/deliveries.ts',
        text: `    router.deliver(delivery, (receipt) => {
      if (link.ending) return;`,
        by: `    this.#settled(pending, done);
    router.deliver(delivery, (receipt) => {
      if (link.ending || receipt.kind === 'committed') return;`,
      },
    ],
    heldBy: ['hil-tests/scenarios/sync-before-ack.test.ts'],
  },
  {
    name: 'field-equal-times',
    bites: 'Of two readings at one time one is silently gone.',
    guard: 'Readings stand in the order of time, epoch and number, and a page begins behind all three.',
    removals: [
      {
        file: 'cloud/store/chunks/pages.ts',
        text: '!isAfter(placeAt(readings, first), after)',
        by: 'placeAt(readings, first).time <= after.time',
      },
    ],
    heldBy: ['cloud/store/chunks/plot.test.ts'],
  },
  {
    name: 'field-unscoped-token',
    bites: 'There are no scoped tokens, so scripts run as an administrator.',
    guard: 'A token may do what its scopes say, and no more.',
    removals: [
      {
        file: 'cloud/access/may.ts',
        text: "return standing.scopes.has(scope as OrganisationScope) ? allowed : refusal('forbidden');",
        by: 'return allowed;',
      },
    ],
    heldBy: ['cloud/access/may.test.ts'],
  },
  {
    name: 'field-second-factor-lost',
    bites: 'A second factor is lost, and nobody can reset it.',
    guard: 'Who has the password, and is not objected to, gets in without it after three days.',
    removals: [
      {
        file: 'cloud/people/sign-in.ts',
        text: 'const isReset = factorSecret !== null && factorReset !== null && factorReset <= now;',
        by: 'const isReset = false;',
      },
    ],
    heldBy: ['cloud/people/lost-second-factors.test.ts'],
  },
  {
    name: 'field-login-unlogged',
    bites: 'A password was guessed at, and no log says so.',
    guard: 'Every attempt is in the audit log, of people whom nobody knows too.',
    removals: [
      {
        file: 'cloud/people/sign-in.ts',
        text: 'audit: [refusal(visitor, email, person, unproven)]',
        by: 'audit: []',
      },
    ],
    heldBy: ['cloud/people/sign-in.test.ts'],
  },
  {
    name: 'field-default-secret',
    bites: 'What ships has a secret, and it is everybody’s.',
    guard: 'There is nobody to begin with; the link that lets the first in is drawn by each installation.',
    removals: [
      {
        file: 'cloud/people/links.ts',
        text: "const secret = randomBytes(32).toString('base64url');",
        by: "const secret = Buffer.alloc(32, 1).toString('base64url');",
      },
    ],
    heldBy: ['cloud/people/setup.test.ts'],
  },
];
