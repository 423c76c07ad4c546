import type { Letter } from '../letter.ts';
import type { MailContent } from '../mail.ts';
import type { Page } from '../page.ts';
import { accountErased } from './account-erased.ts';
import { addressChanged } from './address-changed.ts';
import { guessingAlarm } from './guessing-alarm.ts';
import { identityCloned } from './identity-cloned.ts';
import { invitation } from './invitation.ts';
import { newSignIn } from './new-sign-in.ts';
import { passwordChanged } from './password-changed.ts';
import { passwordReset } from './password-reset.ts';
import { recoveryCodeUsed } from './recovery-code-used.ts';
import { recoveryCodesRenewed } from './recovery-codes-renewed.ts';
import { rolloutHalted } from './rollout-halted.ts';
import { secondFactorReset } from './second-factor-reset.ts';
import { secondFactorResetRequested } from './second-factor-reset-requested.ts';
import { secondFactorSwitched } from './second-factor-switched.ts';
import { secondFactorVote } from './second-factor-vote.ts';
import { takenIn } from './taken-in.ts';

/** What a mail says, in words. */
export function write(mail: MailContent, page: Page): Letter {
  switch (mail.kind) {
    case 'invitation':
      return invitation(mail, page);
    case 'taken-in':
      return takenIn(mail, page);
    case 'password-reset':
      return passwordReset(mail, page);
    case 'password-changed':
      return passwordChanged(mail, page);
    case 'second-factor-enabled':
    case 'second-factor-disabled':
      return secondFactorSwitched(mail, page);
    case 'recovery-codes-renewed':
      return recoveryCodesRenewed(mail, page);
    case 'recovery-code-used':
      return recoveryCodeUsed(mail, page);
    case 'second-factor-reset-requested':
      return secondFactorResetRequested(mail, page);
    case 'second-factor-vote':
      return secondFactorVote(mail, page);
    case 'second-factor-reset':
      return secondFactorReset(mail, page);
    case 'new-sign-in':
      return newSignIn(mail, page);
    case 'guessing-alarm':
      return guessingAlarm(mail, page);
    case 'identity-cloned':
      return identityCloned(mail, page);
    case 'rollout-halted':
      return rolloutHalted(mail, page);
    case 'address-changed':
      return addressChanged(mail, page);
    case 'account-erased':
      return accountErased(mail);
  }
}
