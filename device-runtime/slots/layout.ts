import { join } from 'node:path';

/**
 * Where an installation has what. `prefix` is what image or package brought, read-only; `store` is root's; `state` is the
 * gateway's own. The launcher (`../launcher/loadline-launch`) knows the same names, and takes them from the same variables.
 */
export interface Layout {
  /** The release that came with image or package: the slot that nothing writes. */
  readonly factory: string;
  /** The TUF root that this installation was built to trust. */
  readonly trustedRoot: string;
  /** Root's: release trees, whole or not there. */
  readonly slots: string;
  /** Root's: metadata that was believed, and the floor of time. */
  readonly trust: string;
  readonly launcher: {
    /** The one that came with image or package. */
    readonly first: string;
    /** Root's: a newer one that a release brought; beside it `<sha256> <version>`. */
    readonly folder: string;
    readonly program: string;
    readonly digest: string;
  };
  /** Root's: what the last installation came to. */
  readonly installed: string;
  readonly boot: {
    readonly folder: string;
    /** One line: which slot runs, and which is on trial. */
    readonly state: string;
    /** One line of the launcher's: what it went back from. */
    readonly result: string;
    /** Starts of a newer launcher that nobody has confirmed. */
    readonly launcher: string;
  };
  readonly staging: {
    readonly folder: string;
    readonly metadata: string;
    readonly manifest: string;
    readonly blobs: string;
    /** Last of all: what is to be installed of what lies there. */
    readonly request: string;
  };
}

/** The roots of an installation, by the variables that move them; left out, where .deb and image have them. */
export interface LayoutEnvironment {
  readonly LOADLINE_PREFIX?: string | undefined;
  readonly LOADLINE_STORE?: string | undefined;
  readonly LOADLINE_STATE?: string | undefined;
}

export function layoutOf(environment: LayoutEnvironment = {}): Layout {
  const {
    LOADLINE_PREFIX: prefix = '/opt/loadline',
    LOADLINE_STORE: store = '/var/lib/loadline',
    LOADLINE_STATE: state = '/var/lib/loadline-gateway',
  } = environment;
  const launcher = join(store, 'launcher');
  const boot = join(state, 'boot');
  const staging = join(state, 'staging');
  return {
    factory: join(prefix, 'factory'),
    trustedRoot: join(prefix, 'trust/root.json'),
    slots: join(store, 'slots'),
    trust: join(store, 'trust'),
    launcher: {
      first: join(prefix, 'launcher/loadline-launch'),
      folder: launcher,
      program: join(launcher, 'loadline-launch'),
      digest: join(launcher, 'loadline-launch.sha256'),
    },
    installed: join(store, 'install.json'),
    boot: {
      folder: boot,
      state: join(boot, 'state'),
      result: join(boot, 'result'),
      launcher: join(boot, 'launcher'),
    },
    staging: {
      folder: staging,
      metadata: join(staging, 'metadata'),
      manifest: join(staging, 'manifest.json'),
      blobs: join(staging, 'blobs'),
      request: join(staging, 'request.json'),
    },
  };
}

/** Where the release of a slot lies. */
export function slotFolder(layout: Layout, slot: 'a' | 'b' | 'factory'): string {
  return slot === 'factory' ? layout.factory : join(layout.slots, slot);
}
