import type { Fields, Option } from '../parts/fields.ts';

/** What tokens and keys of programs have in common: what they are limited to, and whether they are good. */
interface Limits {
  readonly devices: readonly string[] | null;
  readonly tags: readonly string[] | null;
  readonly topics?: readonly string[] | null;
}

/** Fields for the devices and tags that a program is limited to. */
export function limitFields(devices: readonly Option[]) {
  return {
    devices: {
      kind: 'choices',
      label: 'Only these devices',
      hint: 'None chosen: no limit.',
      options: devices,
    },
    tags: {
      kind: 'words',
      label: 'Only these tags',
      hint: 'Four hex digits each, as in 25DF. None: no limit.',
    },
  } as const satisfies Fields;
}

/** A limit as the API takes it: null for none. */
export function orNull(words: readonly string[]): string[] | null {
  return words.length === 0 ? null : [...words];
}

export function limitsInWords({ devices, tags, topics }: Limits): string {
  const parts = [
    devices && `devices ${devices.join(', ')}`,
    tags && `tags ${tags.join(', ')}`,
    topics && `topics ${topics.join(', ')}`,
  ].filter((part) => typeof part === 'string');
  return parts.length === 0 ? 'no limit' : parts.join('; ');
}

export function statusBadge(status: 'active' | 'inactive' | 'revoked') {
  switch (status) {
    case 'active':
      return null;
    case 'inactive':
      return <span class="badge is-warning">inactive</span>;
    case 'revoked':
      return <span class="badge is-bad">revoked</span>;
  }
}
