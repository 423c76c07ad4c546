export { authenticatorOf } from './authenticator.ts';
export { HttpsDoor } from './door.ts';
export { Gate } from './gate.ts';
export { allHandlers } from './handlers/index.ts';
