export {
  chunkBytes,
  type FlashBody,
  type FlashQuestionName,
  type FlashRefusal,
  type FlashReply,
  type FlashState,
  flashQuestions,
  flashRead,
  flashRefusals,
} from './messages.ts';
