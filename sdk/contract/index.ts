export { type Code, codes } from './codes.ts';
export { limits } from './limits.ts';
export {
  type HealthMessage,
  healthMessage,
  type NoticeMessage,
  noticeMessage,
  type PortLedger,
  portLedger,
  type ReportedMessage,
  reportedMessage,
} from './messages.ts';
export {
  gatewayParams,
  gatewaysReply,
  ledgerReply,
  loginBody,
  newGatewayBody,
  newGatewayReply,
  problemReply,
  readingsQuery,
  readingsReply,
  runParams,
  runReply,
  type SeriesReply,
  seriesListReply,
  seriesParams,
  seriesReply,
  sessionCookie,
  sessionReply,
} from './rest.ts';
export {
  type DownChannel,
  downChannels,
  type GatewayChannel,
  type GatewayTopic,
  gatewayTopic,
  isGatewayId,
  parseTopic,
  type UpChannel,
  upChannels,
} from './topics.ts';
