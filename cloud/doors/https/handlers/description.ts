import { openApi } from '@loadline/sdk/api';
import type { Handlers } from '../call.ts';

/** What the API says of itself. */
export function descriptionHandlers(): Pick<Handlers, 'getOpenApi'> {
  const description = openApi();
  return { getOpenApi: () => description };
}
