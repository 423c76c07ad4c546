/**
 * What can happen to a gateway and its sensors, the same in the journal, the log, the cloud and the docs. A code is
 * never reused with another meaning.
 *
 * `severity`: `info` is a change, `warning` wants a look, `error` wants somebody to act. `meaning` and `act` are for
 * people; the table of docs/gateway.md is checked against them.
 */
export const events = {
  // The gateway.
  'gateway-started': {
    severity: 'info',
    meaning: 'the gateway has started, and this epoch with it',
    act: 'nothing',
  },
  'gateway-wedged': {
    severity: 'error',
    meaning:
      'the run before this one was ended by the watchdog: frames or acknowledgements had stopped moving',
    act: 'send the support archive (`loadline doctor --bundle`)',
  },
  'identity-contested': {
    severity: 'error',
    meaning:
      'another process with the identity of this gateway is connected: its card, or its state folder, was copied',
    act: 'find the copy (the alarm in the cloud names both addresses), stop one of the two and provision it anew; readings are kept here meanwhile',
  },
  'identity-admitted': {
    severity: 'info',
    meaning: 'the cloud takes readings of this gateway again: the other process has gone',
    act: 'nothing',
  },
  // Serial ports.
  'port-open': { severity: 'info', meaning: 'the port is open', act: 'nothing' },
  'port-lost': {
    severity: 'warning',
    meaning: 'the port was open and its device is gone',
    act: 'plug the adapter in; the port is opened again within a second',
  },
  'port-unavailable': {
    severity: 'error',
    meaning: 'the port cannot be opened',
    act: 'look at the reason: the path, the rights of the service, the adapter',
  },
  'port-held': {
    severity: 'error',
    meaning: 'another program has the port open and takes bytes away',
    act: 'stop the program that is named: disable a getty on it, mask ModemManager',
  },
  'port-released': {
    severity: 'info',
    meaning: 'no other program has the port open any more',
    act: 'nothing',
  },
  'port-wrong-device': {
    severity: 'error',
    meaning: 'what answers on the port is not what the configuration expects there',
    act: 'swap the adapters, or correct `base_addresses` of the port',
  },
  'port-noisy': {
    severity: 'warning',
    meaning: 'most bytes of the last minutes were no valid frames',
    act: 'check baud rate, cable and ground',
  },
  'port-clear': {
    severity: 'info',
    meaning: 'most bytes of the last minute were valid frames again',
    act: 'nothing',
  },
  // Sensors.
  'sensor-stale': {
    severity: 'warning',
    meaning: 'nothing was heard of the sensor for several of its intervals',
    act: 'check the battery and the distance of the transmitter',
  },
  'sensor-returned': { severity: 'info', meaning: 'a stale sensor is heard again', act: 'nothing' },
  'sensor-overload': {
    severity: 'error',
    meaning: 'the value is outside the limits of the sensor',
    act: 'look at the load first; then at the limits in the configuration',
  },
  'sensor-within-limits': {
    severity: 'info',
    meaning: 'the value is inside the limits again',
    act: 'nothing',
  },
  'sensor-bad-quality': {
    severity: 'warning',
    meaning: 'the transmitter reports an error, an integrity error, or a value that is no number',
    act: 'check the wiring between the sensor and its transmitter',
  },
  'sensor-quality-restored': {
    severity: 'info',
    meaning: 'readings are of good quality again',
    act: 'nothing',
  },
  'sensor-battery-low': {
    severity: 'warning',
    meaning: 'the transmitter reports a low battery',
    act: 'change its battery',
  },
  'tag-twice': {
    severity: 'error',
    meaning: 'two transmitters seem to send under one tag',
    act: 'give one of them another tag with the T24 Toolkit',
  },
  // The clock.
  'clock-trusted': { severity: 'info', meaning: 'the time is known, and by whom', act: 'nothing' },
  'clock-untrusted': {
    severity: 'warning',
    meaning: 'nobody vouches for the time any more',
    act: 'allow time synchronisation (NTP) out of the network, or wait for the cloud',
  },
  'clock-stepped': {
    severity: 'warning',
    meaning: 'the wall clock was set, by how much',
    act: 'nothing; readings keep their order, and their times go by who vouches for them, not by this clock',
  },
  'clock-disputed': {
    severity: 'warning',
    meaning: 'the system and the cloud differ by minutes, or one of them says a time that is surely past',
    act: 'look at the NTP servers of the gateway, and at the clock of the cloud',
  },
  // The journal.
  'journal-cut': {
    severity: 'warning',
    meaning: 'the end of the journal was damaged and has been cut off; everything before it is kept',
    act: 'nothing after a power cut; if it comes again, change the card',
  },
  'journal-foreign': {
    severity: 'info',
    meaning: 'files in the folder of the journal are none of its own; they are left alone',
    act: 'move them elsewhere',
  },
  'journal-full': {
    severity: 'error',
    meaning: 'the journal holds all it may: the oldest readings are dropped, and declared',
    act: 'mend the link, or raise `journal.max_bytes`',
  },
  'journal-room': { severity: 'info', meaning: 'the journal has room again', act: 'nothing' },
  'disk-full': {
    severity: 'error',
    meaning:
      'the disk takes no more: readings are kept in memory, and the oldest dropped and declared past its bound',
    act: 'free space on the data partition',
  },
  'disk-recovered': { severity: 'info', meaning: 'the disk takes readings again', act: 'nothing' },
  // The certificate, and the authorities that are believed.
  'certificate-renewed': {
    severity: 'info',
    meaning: 'the gateway connects by a new certificate, for a new key',
    act: 'nothing',
  },
  'certificate-expiring': {
    severity: 'warning',
    meaning: 'less than a sixth of the life of the certificate is left, and renewing it keeps failing',
    act: 'look at the reason: the gateway must reach `enrolment.url`',
  },
  'certificate-expired': {
    severity: 'error',
    meaning: 'the certificate has ended; the gateway keeps its readings and goes on asking for another',
    act: 'wait a minute where the organisation lets ended certificates be renewed (`certificateGraceDays`); otherwise have the cloud give a new enrolment secret and put it into `enrolment.secret_file`, or provision the gateway again',
  },
  'certificate-refused': {
    severity: 'error',
    meaning: 'the cloud gives no other certificate for the one that is there, and why',
    act: 'do what the reason asks for, such as to readmit it after the cloud was restored; otherwise have the cloud give a new enrolment secret and put it into `enrolment.secret_file`: it is taken up within seconds, without a restart; or provision the gateway again',
  },
  'trust-changed': {
    severity: 'info',
    meaning:
      'the fleet has another authority, which the one before it has certified; or the gateway believes an old one no more',
    act: 'nothing',
  },
  // Releases.
  'release-installed': {
    severity: 'info',
    meaning: 'another release lies in a slot, whole and checked; the gateway ends and starts with it next',
    act: 'nothing',
  },
  'release-confirmed': {
    severity: 'info',
    meaning: 'the release that was tried has reached the cloud and heard its sensors, and stays',
    act: 'nothing',
  },
  'release-rolled-back': {
    severity: 'error',
    meaning:
      'the release that was tried did not report health in time, or could not run; the one before is in force again',
    act: 'nothing on site: readings go on; say what it was to who made the release, with the support archive (`loadline doctor --bundle`)',
  },
  'release-fell-back': {
    severity: 'error',
    meaning:
      'the release in force could not be run any more, and the launcher took another: the other slot, or what came with the gateway',
    act: 'have a release offered again; where it says that the slot cannot be run, look at the card',
  },
  'release-refused': {
    severity: 'error',
    meaning: 'a release that was offered was not installed, and why; what runs stays',
    act: 'look at the reason: a signature and a digest are for who made the release to mend, room on the data partition is for you; then have it offered again',
  },
  'release-withdrawn': {
    severity: 'info',
    meaning: 'an update was given up, because the cloud does not offer it any more',
    act: 'nothing',
  },
  // Configuration and commands from the cloud.
  'config-applied': {
    severity: 'info',
    meaning: 'a configuration from the cloud is in force',
    act: 'nothing',
  },
  'config-refused': {
    severity: 'warning',
    meaning: 'a configuration from the cloud cannot be used, and why; the one before stays',
    act: 'correct it in the cloud',
  },
  'config-rolled-back': {
    severity: 'error',
    meaning: 'with the new configuration the cloud could not be reached: the one before is in force again',
    act: 'check its `uplink`',
  },
  'cloud-restored': {
    severity: 'warning',
    meaning:
      'the cloud was restored from a backup: what it had acknowledged since the backup, it has no more',
    act: 'look at the ledger of this gateway: it shows what was lost',
  },
  'command-done': { severity: 'info', meaning: 'a command from the cloud was carried out', act: 'nothing' },
  'command-refused': {
    severity: 'warning',
    meaning: 'a command from the cloud was not carried out, and why',
    act: 'look at the reason',
  },
  'command-failed': {
    severity: 'warning',
    meaning: 'a command from the cloud was begun and did not succeed, or its outcome is not known',
    act: 'look at the reason, and at what it was to change',
  },
} as const satisfies Record<string, { severity: EventSeverity; meaning: string; act: string }>;

export type EventSeverity = 'info' | 'warning' | 'error';
export type EventCode = keyof typeof events;

/** Whether a code is one this version knows: another's may have come in a batch of a newer gateway. */
export function isEventCode(code: string): code is EventCode {
  return Object.hasOwn(events, code);
}
