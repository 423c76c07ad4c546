import type { Api } from '../api.ts';
import { Form } from '../parts/form.tsx';
import { Doorstep } from './doorstep.tsx';

interface Props {
  readonly api: Api;
  readonly secret: string;
  readonly onDone: (notice: string) => void;
}

/** The first operator and the first organisation, by the link that the first start printed. */
export function SetUp({ api, secret, onDone }: Props) {
  return (
    <Doorstep heading="Set up this cloud">
      <p>You become its fleet operator, and the administrator of its first organisation.</p>
      <Form
        fields={{
          email: { kind: 'text', type: 'email', label: 'E-mail', autocomplete: 'username' },
          name: { kind: 'text', label: 'Your name', autocomplete: 'name' },
          password: {
            kind: 'new-password',
            label: 'Password',
            hint: '15 characters or more. A generated one is best, kept in a password manager.',
          },
          organisationName: { kind: 'text', label: 'Name of the organisation', autocomplete: 'organization' },
          organisation: {
            kind: 'text',
            label: 'Its id',
            pattern: '[a-z0-9]([a-z0-9\\-]{0,62}[a-z0-9])?',
            hint: 'Short, and for good: a-z, 0-9 and inner hyphens. It stands in addresses and topics.',
          },
        }}
        act="Set up"
        onSubmit={async ({ email, name, password, organisation, organisationName }) => {
          await api.call('setUp', {
            body: {
              secret,
              email,
              name,
              password,
              organisation: { id: organisation, name: organisationName },
            },
          });
          onDone('The cloud is set up. Log in.');
        }}
      />
    </Doorstep>
  );
}
