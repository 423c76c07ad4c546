export { type CardSite, cardBytes, cardPath, cardSite } from './card.ts';
export { type ProvisioningKit, provisioningKit } from './kit.ts';
export {
  heardTag,
  type News,
  type NewsName,
  news,
  type QuestionBody,
  type QuestionName,
  questions,
  type RefusalCode,
  type Reply,
  refusals,
  serialNumber,
} from './messages.ts';
export { keyProof, type ProvisioningRecord, provisioningRecord, recordToSign } from './signed.ts';
export { type Network, network, type Site, site, siteBytes } from './site.ts';
