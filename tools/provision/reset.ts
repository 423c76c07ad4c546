import { Command } from 'commander';
import { CalledWrongly } from '../cloud/outcome.ts';
import { askSure, canAsk } from '../cloud/prompts.ts';
import { organisationIn } from './field-cloud.ts';
import { LineLost } from './line.ts';
import { Provisioning } from './provision.ts';
import { attempt, type LineFlags, lineOptions, online, withGateway } from './run.ts';

interface ResetFlags extends LineFlags {
  readonly organisation?: string;
  readonly yes: boolean;
}

/** `loadline provision reset`. */
export function resetCommand(): Command {
  return lineOptions(
    new Command('reset').description(
      "delete a gateway's key, certificate, site and journal, so that it is nobody's; its owner at the cloud stays until he releases the board",
    ),
  )
    .option('--organisation <id>', 'its owner; default: what the gateway says')
    .option('--yes', 'do not ask', false)
    .action((flags: ResetFlags) =>
      attempt(flags, async (report) =>
        online(async (cloud) =>
          withGateway(flags, report, async ({ line, description }) => {
            const { gateway, undelivered, serialNumber } = description;
            const said = flags.organisation ?? gateway?.organisation;
            const organisation = organisationIn(cloud, said);
            if (organisation === undefined) throw new CalledWrongly('--organisation says whose it is');
            if (!flags.yes) {
              if (!canAsk())
                throw new CalledWrongly('--yes says that it is meant, where nobody can be asked');
              await askSure(
                `${serialNumber}, ${gateway?.id ?? 'without an id'}: ${undelivered} readings are not delivered, and will be lost. Reset it?`,
              );
            }
            const source = { way: 'online', cloud, organisation: organisation.id } as const;
            const provisioning = new Provisioning(
              { line, source, report, now: () => Date.now(), tool: '', recordPath: () => '' },
              description,
            );
            try {
              await provisioning.own(true);
              const { undelivered: gone } = await line.ask('reset', {});
              report({
                event: 'note',
                says: `it is nobody's; ${gone} readings that were not delivered are gone`,
              });
              return provisioning.result('reset');
            } catch (error) {
              if (error instanceof LineLost) {
                report({
                  event: 'note',
                  says: 'whether it is reset is not known: loadline provision find tells',
                });
              }
              return provisioning.failure(error);
            }
          }),
        ),
      ),
    );
}
