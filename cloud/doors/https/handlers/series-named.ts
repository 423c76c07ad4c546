import { type Device, seriesCalled } from '../../../router/index.ts';
import type { SeriesState } from '../../../store/index.ts';
import { Problem } from '../problem.ts';

/** The series of a device that a path names. */
export function seriesOf(device: Device, name: string): Pick<SeriesState, 'tag' | 'aspect'> {
  const series = seriesCalled(device, name);
  if (series === undefined) throw new Problem(404, 'not-found', 'there is no such series');
  return series;
}
