import type { Device } from '../api.ts';
import type { Stage } from '../parts/stage.tsx';
import type { ItemAct } from '../parts/table.tsx';
import type { Scene } from './scene.ts';

/** The one switch of a device: what turning it over is called, and does. */
export function deviceSwitch(
  stage: Stage,
  { api, organisation }: Pick<Scene, 'api' | 'organisation'>,
  { id, name, enabled }: Device,
  onDone: () => void,
): ItemAct {
  const set = async (to: boolean): Promise<void> => {
    await api.call('patchDevice', { organisation, device: id, body: { enabled: to } });
    onDone();
  };
  if (enabled)
    return {
      label: 'Switch off',
      run: () =>
        stage.confirm({
          title: `Switch ${name} off?`,
          text: 'Nothing that proves it opens anything then, its certificate neither: its links end within two seconds, and what it delivers is refused.',
          act: 'Switch off',
          run: () => set(false),
        }),
    };
  return {
    label: 'Switch on',
    run: () =>
      stage.confirm({
        title: `Switch ${name} on?`,
        text: 'What was not revoked opens again.',
        act: 'Switch on',
        isDangerous: false,
        run: () => set(true),
      }),
  };
}
