/** A member of an archive. */
export interface Member {
  readonly name: string;
  readonly content: Uint8Array;
}

/**
 * An archive of ar(5) in its common form, which is the outer one of a Debian package (deb(5)):
 *
 *     "!<arch>\n", then for each member
 *     name 16  time 12  owner 6  group 6  mode 8 (octal)  length 10  "`\n"   in ASCII, filled up with blanks
 *     content, and a line feed where its length is odd
 *
 * @param time seconds since 1970, of each member; the owner is root, the mode 100644
 */
export function writeAr(members: readonly Member[], time: number): Buffer {
  const parts = members.flatMap(({ name, content }) => {
    if (!/^[a-z0-9._-]{1,16}$/.test(name)) throw new Error(`${name} is no name for a member of an archive`);
    const fields = [name.padEnd(16), String(time).padEnd(12), '0     ', '0     ', '100644  '];
    const header = Buffer.from(`${fields.join('')}${String(content.length).padEnd(10)}\`\n`, 'ascii');
    return [header, content, Buffer.from(content.length % 2 === 0 ? '' : '\n')];
  });
  return Buffer.concat([Buffer.from('!<arch>\n'), ...parts]);
}
