import { DeviceState } from '../device-state.tsx';
import { LoadingWords, useLoaded } from '../parts/loaded.tsx';
import { useStage } from '../parts/stage.tsx';
import { organisationHref } from '../place.ts';
import { DeviceAccount } from './account.tsx';
import { DeviceCredentials } from './device-credentials.tsx';
import { DeviceSeries } from './device-series.tsx';
import { deviceSwitch } from './device-switch.ts';
import { DeviceUpdate } from './device-update.tsx';
import { DeviceLimits } from './limits.tsx';
import { Panel } from './panel.tsx';
import { Rejections } from './rejections.tsx';
import type { Scene } from './scene.ts';

/** One device: its switch, what it proves itself by, its series, and what became of all that it delivered. */
export function OneDevice(scene: Scene) {
  const { api, organisation, item, may } = scene;
  const stage = useStage();
  const loaded = useLoaded(item, () => api.call('getDevice', { organisation, device: item }));
  const device = loaded.value;
  const flip =
    device !== undefined &&
    device.retired === null &&
    may('device.patch') &&
    deviceSwitch(stage, scene, device, loaded.reload);
  return (
    <>
      <Panel
        title={
          <>
            {device?.name ?? item}{' '}
            {device !== undefined && device.name !== item && <span class="tag">{item}</span>}
          </>
        }
        text={<a href={organisationHref(organisation, 'devices')}>All devices</a>}
        stage={stage}
        acts={
          flip && (
            <button type="button" onClick={flip.run}>
              {flip.label}
            </button>
          )
        }
      >
        <LoadingWords loaded={loaded} />
        {device !== undefined && (
          <p>
            {device.kind} <DeviceState {...device} /> <span class="muted">{device.runtime}</span>
          </p>
        )}
      </Panel>
      {device !== undefined && (
        <>
          {device.kind === 'gateway' && may('update.get') && <DeviceUpdate {...scene} />}
          {may('device-credentials.get') && <DeviceCredentials {...scene} />}
          {may('series.get') && <DeviceSeries {...scene} kind={device.kind} />}
          {may('ledger.get') && <DeviceAccount {...scene} />}
          {may('rejections.get') && <Rejections {...scene} />}
          {may('limits.get') && <DeviceLimits {...scene} />}
        </>
      )}
    </>
  );
}
