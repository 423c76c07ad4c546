/** What can be wrong with the keys outside the database. */
const keyCodes = {
  'keys-missing': 'there is a database, and not the keys that belong to it',
  'keys-exposed': 'other users of this machine may read the keys',
  'keys-unreadable': 'the file of keys is not what the cloud wrote',
  'key-in-use': 'the newest version of a ring is the one it works with, and is not forgotten',
} as const;

export type KeyCode = keyof typeof keyCodes;

/** The error of this folder. Its message never holds anything that was read from the file. */
export class KeysError extends Error {
  override readonly name = 'KeysError';
  readonly code: KeyCode;

  constructor(code: KeyCode, message: string) {
    super(message);
    this.code = code;
  }
}
