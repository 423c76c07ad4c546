/**
 * Every limit both ends agree on, each with its unit, in one place.
 * A limit is checked where bytes enter, before anything is allocated for them.
 */
export const limits = {
  /** Bytes of one encoded batch as it travels. */
  batchBytes: 256 * 1024,
  /** Bytes of one batch after decompression. */
  batchInflatedBytes: 1024 * 1024,
  /** CBOR items, of any kind and at any depth, in one batch. */
  batchItems: 50_000,
  /** Entries (readings, anchors and events) in one batch. */
  batchEntries: 16_384,
  /** Anchors in one batch, and twice as many in the time it spans. */
  batchAnchors: 1024,
  /** Events in one batch. */
  batchEvents: 1024,
  /** Bytes (UTF-8) of an event's subject, and of its detail. */
  eventSubjectBytes: 64,
  eventDetailBytes: 300,
  /** Series named in one batch: each entry may be of a series of its own. */
  batchSeries: 16_384,
  /** Serial ports named in one batch. */
  batchPorts: 64,
  /** Ranges of dropped numbers declared in one batch. */
  batchDroppedRanges: 256,
  /** Bytes (UTF-8) of a serial port's configured name. */
  portNameBytes: 32,
  /** Bytes of the longest string or binary value: T24 allows 64, with room for another source's. */
  valueBytes: 256,
  /** Milliseconds of a monotonic clock: no boot lasts a hundred years. */
  monotonicMilliseconds: 100 * 366 * 86_400_000,
  /** Milliseconds since 1970 of the last wall time there is: the end of the year 9999. */
  wallMilliseconds: 253_402_300_799_999,
  /** Ranges of numbers, received and dropped, that one epoch may fall into. */
  epochRanges: 1000,
  /** Rejected deliveries of one gateway kept with their payload, the newest; all are counted. */
  rejectionsKept: 1000,
  /** Milliseconds a rejected delivery is kept. */
  rejectionMilliseconds: 30 * 86_400_000,
  /** Bytes of one MQTT packet once its sender is authenticated: a batch and its header. */
  mqttPacketBytes: 256 * 1024 + 1024,
  /** Bytes of an MQTT CONNECT packet: nobody has been authenticated yet. */
  mqttConnectBytes: 2048,
  /** Seconds: the longest keepalive a client may ask for, and what a client that asks for none gets. */
  mqttKeepaliveSeconds: 60,
  /** Bytes published by one client and not yet committed, past which its socket is not read. */
  mqttPendingBytes: 4 * 1024 * 1024,
  /** Bytes that are still read of a link that is slowed, because a limit is reached: its pings may be among them. */
  mqttSlowedBytes: 64 * 1024,
  /** Milliseconds the cloud may take from a publish to its PUBACK; past it the link is closed with a notice. */
  commitMilliseconds: 10_000,
  /** Milliseconds a TLS handshake and a CONNECT may take together. */
  connectMilliseconds: 10_000,
  /** Bytes of any JSON message between gateway and cloud: health, reported, desired, command, result. */
  messageBytes: 64 * 1024,
  /** Milliseconds a command may wait for its gateway, at most. */
  commandMilliseconds: 24 * 3_600_000,
  /** Commands of one gateway that may wait at a time. */
  commandsWaiting: 100,
  /** Commands of one gateway that are kept, the newest; those that wait are all kept. */
  commandsKept: 1000,
  /** Levels of tables in tables that a configuration may have. */
  configurationDepth: 16,
  /** Bytes of one MQTT packet from an application: it subscribes, and says nothing else. */
  applicationPacketBytes: 16 * 1024,
  /** Links of one application key at a time, each with a client id of its own. */
  applicationLinks: 20,
  /** Subscriptions of one link of an application. */
  applicationSubscriptions: 50,
  /** Characters that a link of an application may leave untaken before what comes next is left out. */
  applicationUntakenBytes: 256 * 1024,
  /** Characters that may be on their way to it at most, where much is committed at once. */
  applicationBurstBytes: 8 * 1024 * 1024,
  /** Series of which a follower that does not keep up is still told the newest reading; one of more is given up. */
  liveSeriesOwed: 10_000,
  /** Events, the newest, that it is still told; of more, only how many. */
  liveEventsOwed: 200,
  /** Series that one device may name. */
  deviceSeries: 1000,
  /** Characters of a series' name, and of its unit. */
  seriesNameLength: 64,
  unitLength: 32,
  /** Milliseconds that a delivery without numbers is known again by its key, counter or body. */
  onceMilliseconds: 7 * 86_400_000,
  /** Bytes of one line at a socket, its end included; a datagram is one line. */
  socketLineBytes: 4096,
  /** Counters behind the highest of its key under which a signed line is still taken. */
  socketCounterWindow: 1024,
  /** Milliseconds in which a connection has to bring its first good line, and each line has to come to its end. */
  socketLineMilliseconds: 10_000,
  /** Milliseconds without a line after which a connection is closed. */
  socketIdleMilliseconds: 10 * 60_000,
  /** Lines that are refused, one after the other, until their connection is closed. */
  socketFailures: 3,
  /** Lines of one connection that wait for their commit, past which it is not read. */
  socketPendingLines: 64,
  /** Lines, and datagrams, of all that wait for their commit; past that connections wait, and datagrams are dropped. */
  socketPendingAll: 8192,
  /** Connections at the socket doors. */
  socketConnections: 20_000,
  /** Those of one address (of IPv6: /64) that have not brought a good line yet. */
  socketUnprovenPerAddress: 1000,
  /** Those of one device. */
  socketConnectionsPerDevice: 16,
  /** Milliseconds in which a publish that comes again (DUP) is the one that had its packet id, where its body is the same. */
  resendMilliseconds: 3_600_000,
  /** Characters of an Idempotency-Key. */
  idempotencyKeyLength: 128,
  /** Bytes that came over HTTPS and wait for their commit: of one device, and of all. */
  httpsDeviceBytes: 4 * 1024 * 1024,
  httpsPendingBytes: 64 * 1024 * 1024,
  /** Milliseconds that a one-time enrolment secret is good for. */
  enrolmentSecretMilliseconds: 7 * 24 * 3_600_000,
  /** Bytes of one message over a serial link, as CBOR: a flash chunk of 1 MiB, and what is said about it. */
  linkMessageBytes: 1024 * 1024 + 64 * 1024,
  /**
   * CBOR items, of any kind and at any depth, in one message over a serial link: a configuration of a thousand sensors
   * is read back in one. And how deep they may be nested.
   */
  linkMessageItems: 65_536,
  linkMessageDepth: 16,
  /** Bytes of a message that one frame of a serial link carries. */
  linkFrameBytes: 512,
  /** Frames of a serial link that may be under way, unacknowledged, in one direction. */
  linkWindowFrames: 128,
  /** Bytes of messages that wait to be sent over one serial link, sent and unacknowledged ones included. */
  linkWaitingBytes: 4 * 1024 * 1024,
  /** Messages that wait so. */
  linkWaitingMessages: 1024,
  /** Capabilities that one end of a serial link names, and characters of each. */
  linkCapabilities: 16,
  linkCapabilityLength: 24,
  /** Asks over one serial link that may be unanswered at a time, in one direction. */
  linkAsks: 64,
  /** Certificates an hour that a gateway may be given for the one it has. */
  certificateRenewalsPerHour: 12,
  /** Files of a release, bytes of one of them (Node is the largest), and bytes of its manifest. */
  releaseFiles: 2000,
  releaseFileBytes: 256 * 1024 * 1024,
  releaseManifestBytes: 1024 * 1024,
  /** Milliseconds a reading's time may lie ahead of its arrival before it is set apart. */
  futureMilliseconds: 5 * 60_000,
} as const;
