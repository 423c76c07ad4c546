/**
 * Named codes, the same in notices, problem details (RFC 9457 `type`), rejections and logs.
 * A code is never reused with another meaning.
 */
export const codes = {
  // Why a delivery is permanently rejected: sending it again cannot help.
  'batch-too-large':
    'the batch is longer than limits.batchBytes, or inflates beyond limits.batchInflatedBytes',
  'batch-malformed': 'the bytes are not a batch: not CBOR, truncated, or a field of the wrong type',
  'batch-version': 'the batch has a version this cloud does not know',
  'batch-inconsistent': 'the columns of the batch contradict each other (counts, indices, lengths)',
  'batch-limit': 'the batch holds more entries, series, ports or ranges than limits allow',
  'readings-malformed':
    'the body is not of the form it is said to be, or names a series as none may be named',
  'readings-limit': 'the device names more series than limits allow, or the body holds more readings',
  'readings-of-gateway': 'readings by name come from a gateway: its series are tags, and it delivers batches',
  'delivery-differs': 'another delivery came under the same key, counter or message: give each its own',
  'counter-old': 'the counter lies further behind the highest of its key than limits allow',
  'health-malformed': 'the health message is not what the contract says',
  'reported-malformed': 'the reported configuration is not what the contract says',
  'result-malformed': 'the result of a command is not what the contract says',
  'command-unknown': 'the result is of a command that this gateway was not given',
  'updating-malformed': 'what is said of an update is not what the contract says',
  'clock-malformed': 'the question for the time is not what the contract says',
  'encoding-malformed': 'the body is not compressed as its Content-Encoding says',
  'body-too-large': 'the body is longer than limits.batchBytes, or inflates beyond limits.batchInflatedBytes',
  'media-type-unsupported':
    'what was sent is not taken in this form: Content-Type or Content-Encoding is another',
  'too-much-pending':
    'as much as may be under way of this device, or of all, waits for its commit: send this again in a moment',
  // Why something is put off: nothing was taken in, and it is worth trying again later.
  'rate-limited': 'more came than may at a time: go slower, and try again when the answer says so',
  'quota-exceeded': 'what may be used in a day or a month is used up: try again when it is over',
  // Why a link is closed or a request refused.
  'device-disabled': 'the device is switched off: nothing that proves it opens anything',
  'device-retired': 'the gateway was retired, or moved to another organisation: what it had ended then',
  'identity-mismatch': 'client id, certificate name and gateway id are not one and the same',
  'gateway-unknown': 'the certificate is good, and names a gateway that no organisation owns',
  'certificate-revoked': 'the certificate has been revoked',
  'certificate-superseded':
    'a newer certificate of the same gateway has been used since: this one ended with that',
  'certificate-held-back':
    'the cloud came back from a backup, and nobody has readmitted this certificate since: it may have been revoked after it',
  'certificate-expired': 'the certificate has expired',
  'certificate-required': 'no client certificate was shown: its own is what a gateway renews by',
  'certificate-refused': 'the certificate is none of this fleet, or not for this',
  'topic-forbidden': 'the topic is outside the subtree of this principal',
  'line-malformed': 'the line is none that a socket takes: docs/wire.md has the grammar',
  'line-too-long': 'the line is longer than limits.socketLineBytes',
  'too-slow': 'no good line, or no end of a line, or nobody to take the replies, within the time limits give',
  'connection-idle': 'no line came for as long as limits allow; connect again when there is one',
  'too-many-connections': 'as many connections are open as one address, one device or the door may have',
  'device-differs': 'one connection delivers for one device',
  'packet-too-large': 'the MQTT packet is longer than limits allow',
  'packet-malformed': 'the bytes are not MQTT 3.1.1 as the contract uses it',
  'commit-timeout': 'the cloud could not commit in time; connect again and resend',
  'session-taken-over': 'the same identity connected again; the older link was closed',
  'identity-contested':
    'another process that proves the same identity holds the link: two of them are alive, and one is a copy',
  'credential-ended': 'the key behind this link has expired, was switched off, or was revoked',
  'too-many-links': 'the key has as many links open as one may: close one first',
  'messages-skipped': 'the link did not take what was committed fast enough: some of it was left out',
  'cloud-stopping': 'the cloud is shutting down; connect again',
  'cloud-fenced':
    'this cloud is a restored copy that has not taken over: nothing is taken in, keep it and try again later',
  // People and programs over HTTPS.
  unauthenticated: 'it is not known who this is: log in, or show what opens this',
  forbidden: 'this principal may not do this',
  'not-found': 'there is no such thing, or it is not yours to see',
  'request-invalid': 'a field of the request is not what the API describes',
  conflict: 'it contradicts what is there: the name is taken, or it is in use, or was already done',
  'precondition-failed': 'it has changed since it was read (If-Match): read it again',
  'more-than-own': 'nobody gives, takes or changes more than he may do himself',
  'last-administrator': 'somebody must stay who can administrate: make another one first',
  'origin-refused':
    'a request with a session cookie must come from the page of this cloud: Origin is missing or foreign',
  'token-in-url': 'a secret does not belong into an address: send it in the header',
  'second-factor-required': 'the second factor is to be given, or enabled, first',
  'second-factor-refused': 'the code is wrong, used up, or too old',
  'link-invalid': 'the link is wrong, used up, or too old: ask for a new one',
  'password-weak': 'the password is too short, too common or too easily guessed',
  'too-many-attempts': 'too many failed attempts; wait and try again',
  'too-many-commands': 'as many commands wait for this gateway as may; wait until some are done or expire',
  'enrolment-refused': 'the enrolment secret is wrong, used up, or for another gateway',
  'request-malformed': 'the certificate request is not a valid, self-signed PKCS#10 for this gateway',
  // Over a serial link, between a gateway and the tool that provisions or flashes it.
  'link-no-answer': 'nobody at the other end of the line speaks the protocol of the serial link',
  'link-version': 'the other end speaks no version of the serial link that this one speaks',
  'link-session-ended': 'the other end was restarted, or ended the session: what was under way is not known',
  'link-closed': 'the serial link was closed at this end',
  'link-message-refused': 'the message is too long, too deep, or holds what no message may',
  'link-too-much-waiting': 'as much as may waits to be sent over the serial link: wait until some of it is',
  'link-too-many-asks': 'as many asks as may be are unanswered: wait until one is answered',
  'link-ask-unknown': 'the other end answers no ask of this name',
  'link-ask-timeout': 'no answer came in time; what was asked may still be done',
  'link-ask-failed': 'the other end failed while it did what was asked',
  internal: 'the cloud failed; nothing was acknowledged',
} as const;

export type Code = keyof typeof codes;
