import { useState } from 'preact/hooks';
import type { Api } from '../api.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Form } from '../parts/form.tsx';
import type { Stage } from '../parts/stage.tsx';
import type { ProfileProps } from './profile.tsx';
import { QrCode } from './qr-code.tsx';

interface Props extends Omit<ProfileProps, 'onLeave'> {
  readonly stage: Stage;
}

interface Offer {
  readonly secret: string;
  readonly uri: string;
}

const code = {
  kind: 'text',
  label: 'Code',
  autocomplete: 'one-time-code',
  hint: 'The six digits your authenticator app shows now.',
} as const;
const codeOrRecovery = {
  ...code,
  hint: 'The six digits your authenticator app shows now, or one of your recovery codes.',
} as const;

/** The second factor: enabled, disabled, its recovery codes. */
export function SecondFactorPanel({ api, session, stage, onChanged }: Props) {
  const [offer, setOffer] = useState<Offer | undefined>();
  const asking = session.standings.filter((one) => one.secondFactorMissing);

  const showCodes = (codes: readonly string[]): void =>
    stage.showOnce({
      title: 'Your recovery codes',
      text: 'Each of them stands once for a code of your authenticator, should you lose it.',
      secrets: [{ label: 'Recovery codes', value: codes.join('\n') }],
    });

  return (
    <section class="panel" aria-labelledby="second-factor-heading">
      <h2 id="second-factor-heading">Second factor</h2>
      {asking.length > 0 && (
        <p class="notice" role="status">
          {asking.map(({ organisation }) => organisation.name).join(', ')} asks for one: nothing opens there
          until it is enabled.
        </p>
      )}
      <p>
        {session.secondFactor
          ? 'Enabled: besides your password a login needs a code of your authenticator app.'
          : 'Not enabled: your password is all that a login needs.'}
      </p>
      <div class="panel-acts">
        {session.secondFactor ? (
          <Enabled api={api} stage={stage} onCodes={showCodes} onChanged={onChanged} />
        ) : (
          <button
            type="button"
            class="primary"
            onClick={() =>
              stage.ask({
                title: 'Enable a second factor',
                text: 'Have your authenticator app at hand.',
                fields: { password: { kind: 'password', label: 'Your password' } },
                act: 'Continue',
                async run({ password }) {
                  setOffer(await api.call('beginSecondFactor', { body: { password } }));
                },
              })
            }
          >
            Enable
          </button>
        )}
      </div>
      {offer !== undefined && (
        <Enabling
          api={api}
          offer={offer}
          onClose={() => setOffer(undefined)}
          onEnabled={(codes) => {
            setOffer(undefined);
            showCodes(codes);
            void onChanged();
          }}
        />
      )}
    </section>
  );
}

interface EnabledProps extends Pick<Props, 'api' | 'stage' | 'onChanged'> {
  readonly onCodes: (codes: readonly string[]) => void;
}

function Enabled({ api, stage, onCodes, onChanged }: EnabledProps) {
  return (
    <>
      <button
        type="button"
        onClick={() =>
          stage.ask({
            title: 'Make new recovery codes',
            text: 'Those you have are void then.',
            fields: { code: codeOrRecovery },
            act: 'Make them',
            async run({ code }) {
              onCodes((await api.call('renewRecoveryCodes', { body: { code } })).recoveryCodes);
            },
          })
        }
      >
        New recovery codes
      </button>
      <button
        type="button"
        onClick={() =>
          stage.confirm({
            title: 'Stop a reset?',
            text: 'If somebody has asked for your second factor to be reset, or voted for it, that ends.',
            act: 'Stop it',
            isDangerous: false,
            run: async () => {
              await api.call('cancelSecondFactorReset');
              stage.tell('Stopped', 'No reset of your second factor is under way.');
            },
          })
        }
      >
        Stop a reset
      </button>
      <button
        type="button"
        class="is-dangerous"
        onClick={() =>
          stage.ask({
            title: 'Disable the second factor?',
            text: 'Your password is all that a login needs then. An organisation that asks for a second factor closes to you.',
            fields: { password: { kind: 'password', label: 'Your password' }, code: codeOrRecovery },
            act: 'Disable it',
            isDangerous: true,
            async run({ password, code }) {
              await api.call('disableSecondFactor', { body: { password, code } });
              await onChanged();
            },
          })
        }
      >
        Disable
      </button>
    </>
  );
}

interface EnablingProps {
  readonly api: Api;
  readonly offer: Offer;
  readonly onClose: () => void;
  readonly onEnabled: (recoveryCodes: readonly string[]) => void;
}

function Enabling({ api, offer, onClose, onEnabled }: EnablingProps) {
  return (
    <Dialog title="Enable a second factor" isHeld onClose={onClose}>
      <p>Scan this with your authenticator app, or type the secret in.</p>
      <QrCode text={offer.uri} title="QR code of the secret for an authenticator app" />
      <div class="secret">
        <span class="muted">Secret</span>
        <code>{offer.secret.replace(/(.{4})(?=.)/g, '$1 ')}</code>
        <CopyButton text={offer.secret} what="secret" />
      </div>
      <Form
        fields={{ code }}
        act="Enable"
        onCancel={onClose}
        onSubmit={async ({ code }) => {
          onEnabled((await api.call('enableSecondFactor', { body: { code } })).recoveryCodes);
        }}
      />
    </Dialog>
  );
}
