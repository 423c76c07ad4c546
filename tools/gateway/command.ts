import { doctorCommand, loadConfig, statusCommand } from '@loadline/device-runtime';
import { Command, Option } from 'commander';

/** What `gateway status` and `gateway doctor` do on a gateway, for a machine that has this package. */

const configOption = () => new Option('--config <file>', "the gateway's configuration").makeOptionMandatory();

const write = (text: string) => void process.stdout.write(text);

/** Exit code of a call that trying again cannot mend. */
const usageError = 2;

/** `loadline status`: how the gateway on this machine is, or its readings as they come. */
export function statusOfGateway(): Command {
  return new Command('status')
    .description('ask the gateway on this machine how it is, or follow its readings; by its local socket')
    .addOption(configOption())
    .option('--follow', 'show readings as they come, until Ctrl-C', false)
    .option('--json', 'one line of JSON; with --follow one a reading', false)
    .addHelpText(
      'after',
      `
The socket is the gateway's own (mode 0600): be its user, or root. No network is needed.
Exit codes: 0 asked, 2 called wrongly, 3 the gateway cannot be asked.`,
    )
    .action(async (flags: { config: string; follow: boolean; json: boolean }) => {
      const interrupted = new AbortController();
      process.once('SIGINT', () => interrupted.abort());
      let socket: string;
      try {
        socket = loadConfig(flags.config).config.control.socket;
      } catch (error) {
        process.stderr.write(`loadline status: ${(error as Error).message}\n`);
        process.exitCode = usageError;
        return;
      }
      process.exitCode = await statusCommand({
        socket,
        follow: flags.follow,
        json: flags.json,
        write,
        fail: (text) => process.stderr.write(text),
        signal: interrupted.signal,
      });
    });
}

/** `loadline doctor`: what is wrong with the gateway on this machine, and what to do. */
export function doctorOfGateway(): Command {
  return new Command('doctor')
    .description('say in words what is wrong with the gateway on this machine, and what to do about it')
    .addOption(configOption())
    .option(
      '--bundle <file>',
      'also write an archive for support: figures, and no key, token, password or name',
    )
    .option('--json', 'one line of JSON: {"asked","findings":[{"severity","about","says","act"}]}', false)
    .addHelpText(
      'after',
      '\nExit codes: 0 nothing is wrong, 1 warnings, 2 errors, 3 the gateway cannot be asked.',
    )
    .action(async (flags: { config: string; bundle?: string; json: boolean }) => {
      process.exitCode = await doctorCommand({
        configFile: flags.config,
        json: flags.json,
        bundle: flags.bundle,
        write,
        wall: () => Date.now(),
      });
    });
}
