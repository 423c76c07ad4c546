import { useEffect, useState } from 'preact/hooks';
import type { Option } from '../parts/fields.ts';
import type { Scene } from './scene.ts';

/** What can be chosen or has a name in an organisation, for who may list it; empty before it has come. */
export interface Options {
  /** Before that, forms that choose from them are not to be opened. */
  readonly isReady: boolean;
  readonly departments: readonly Option[];
  readonly customers: readonly Option[];
  readonly roles: readonly (Option & { readonly of: 'organisation' | 'customer' })[];
  readonly devices: readonly Option[];
  readonly applications: readonly Option[];
  readonly people: readonly Option[];
  readonly tokens: readonly Option[];
}

const none: Options = {
  isReady: false,
  departments: [],
  customers: [],
  roles: [],
  devices: [],
  applications: [],
  people: [],
  tokens: [],
};

type Kind = Exclude<keyof Options, 'isReady'>;

/** Milliseconds until a load that failed is tried again. */
const RETRY = 5_000;

/** Loads what there is to choose from in an organisation, of those kinds that are asked for. */
export function useOptions(
  { api, organisation, may }: Pick<Scene, 'api' | 'organisation' | 'may'>,
  kinds: readonly Kind[],
): Options {
  const [options, setOptions] = useState(none);
  const wanted = kinds.join();
  useEffect(() => {
    let isOver = false;
    const wants = (kind: Kind): boolean => wanted.split(',').includes(kind);
    const load = async (): Promise<void> => {
      const [departments, customers, roles, devices, applications, people, tokens] = await Promise.all([
        wants('departments') && may('departments.get') ? api.all('listDepartments', { organisation }) : [],
        wants('customers') && may('customers.get') ? api.all('listCustomers', { organisation }) : [],
        wants('roles') && may('roles.get') ? api.all('listRoles', { organisation }) : [],
        wants('devices') && may('devices.get') ? api.all('listDevices', { organisation }) : [],
        wants('applications') && may('applications.get') ? api.all('listApplications', { organisation }) : [],
        wants('people') && may('users.get') ? api.all('listUsers', { organisation }) : [],
        wants('tokens') && may('tokens.get') ? api.all('listTokens', { organisation }) : [],
      ]);
      if (isOver) return;
      setOptions({
        isReady: true,
        departments: departments.map(optionOf),
        customers: customers.map(optionOf),
        roles: roles.map((role) => ({ ...optionOf(role), of: role.of })),
        devices: devices.map(optionOf),
        applications: applications.map(optionOf),
        people: people.map(optionOf),
        tokens: tokens.map(optionOf),
      });
    };
    let timer: ReturnType<typeof setTimeout> | undefined;
    const start = (): void => {
      // The list says that the cloud does not answer, and has ids for names meanwhile.
      load().catch(() => {
        if (!isOver) timer = setTimeout(start, RETRY);
      });
    };
    start();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [api, organisation, wanted]);
  return options;
}

function optionOf({ id, name }: { readonly id: string; readonly name: string }): Option {
  return {
    value: id,
    label: name,
    ...(name !== id && /^[a-z0-9-]+$/.test(id) && id.length < 32 && { hint: id }),
  };
}

/** What an option is called; its id where it is not known. */
export function labelOf(options: readonly Option[], id: string): string {
  return options.find(({ value }) => value === id)?.label ?? id;
}

/** The options, and before them one for none of them. */
export function withNone(options: readonly Option[], label: string): readonly Option[] {
  return [{ value: '', label }, ...options];
}
