export { Binder, type BindingLedger } from './binder.ts';
export type { Heard } from './frame.ts';
export { sameValue } from './same-value.ts';
