import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { migrate, openConnection } from './database.ts';
import { migrations } from './migrations.ts';
import { storeReads } from './reads.ts';

/** Steps there were before people had a table of their own. */
const beforePeople = 4;

test('who could log in before people had addresses still can, by the same name and password', () => {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-upgrade-'));
  const options = { file: join(folder, 'loadline.db'), key: 'a5'.repeat(32) };
  const connection = openConnection(options, 'write');
  try {
    migrate(connection, migrations.slice(0, beforePeople));
    connection.exec(`
      insert into organisation (id, name) values ('first', 'First');
      insert into user (name, organisation, password_hash) values ('Operator', 'first', '$argon2id$kept');
      insert into session (token_hash, user, expires) values (x'00', 'Operator', 9e15);
      insert into gateway (id, organisation) values ('mast', 'first')`);
    migrate(connection, migrations);
    const reads = storeReads(connection);
    const person = reads.personByEmail({ email: 'operator' });
    assert.match(person?.id ?? '', /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.is(person?.passwordHash, '$argon2id$kept');
    assert.is(person?.operator, true);
    const { memberships } = reads.standings({ person: person?.id ?? '', now: 1 });
    assert.equal(
      memberships.map(({ organisation, role, reach }) => [organisation.id, role, reach]),
      [['first', 'administrator', 'organisation']],
    );
    const [gateway] = reads.directory({}).devices;
    assert.equal([gateway?.id, gateway?.department, gateway?.customer], ['mast', null, null]);
    assert.is(reads.needsKeys({}), false);
  } finally {
    connection.close();
    rmSync(folder, { recursive: true });
  }
});

test.run();
