export { Account, type Door, type StopCause } from './account.ts';
export { Accounting, type AccountingOptions, usualAccounting } from './accounting.ts';
export { AccountingKeeper } from './keeper.ts';
export { Spending, type Spent } from './spending.ts';
export { type Subject, subjectOf } from './subject.ts';
