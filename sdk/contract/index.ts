export { type Code, codes } from './codes.ts';
export { type EventCode, type EventSeverity, events, isEventCode } from './events.ts';
export { limits } from './limits.ts';
export {
  type ClockAnswer,
  type ClockQuestion,
  type ClockTrust,
  type CommandBody,
  type CommandMessage,
  clockAnswer,
  clockQuestion,
  clockTrust,
  commandBody,
  commandMessage,
  type DesiredMessage,
  desiredMessage,
  type HealthMessage,
  healthMessage,
  type NoticeMessage,
  noticeMessage,
  type PortLedger,
  portLedger,
  type ReportedMessage,
  type ResultMessage,
  reportedMessage,
  resultMessage,
} from './messages.ts';
export {
  type DownChannel,
  downChannels,
  type GatewayChannel,
  type GatewayTopic,
  gatewayIdPattern,
  gatewayTopic,
  isGatewayId,
  parseTopic,
  type UpChannel,
  upChannels,
} from './topics.ts';
