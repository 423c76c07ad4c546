import { createHash } from 'node:crypto';
import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import { suite } from './recipe.ts';

/** A package that is installed, as dpkg has it. */
export interface Installed {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** The source it was built from, where that has another name or version. */
  readonly source: string | undefined;
}

/** Reads dpkg's own record of a system. */
export function installedIn(status: string): Installed[] {
  return status
    .split(/\n\n+/)
    .filter((each) => /^Status: install ok installed$/m.test(each))
    .map((each) => {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(each)?.[1];
      const [name, version, architecture] = ['Package', 'Version', 'Architecture'].map(field);
      if (name === undefined || version === undefined || architecture === undefined) {
        throw new Error(
          `dpkg's record has a package without name, version or architecture: ${each.slice(0, 200)}`,
        );
      }
      return { name, version, architecture, source: field('Source') };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * The bill of materials of an image's system: CycloneDX 1.6 as JSON, a component for each of Debian's packages. What is in
 * the release has a bill of its own, inside it. One system, one text.
 *
 * @param time seconds since 1970
 */
export function systemBom(
  image: string,
  version: string,
  time: number,
  packages: readonly Installed[],
): string {
  const system = new Models.Component(Enums.ComponentType.OperatingSystem, image, { bomRef: image, version });
  const components = packages.map(
    (each) =>
      new Models.Component(Enums.ComponentType.Library, each.name, {
        bomRef: `${each.name}@${each.version}`,
        version: each.version,
        purl: purlOf(each),
        ...(each.source === undefined
          ? {}
          : {
              properties: new Models.PropertyRepository([new Models.Property('debian:source', each.source)]),
            }),
      }),
  );
  for (const component of components) system.dependencies.add(component.bomRef);
  const bom = new Models.Bom({
    metadata: new Models.Metadata({ timestamp: new Date(time * 1000), component: system }),
    components: new Models.ComponentRepository(components),
  });
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  const options = { sortLists: false, space: 1 };
  const hex = createHash('sha256').update(serializer.serialize(bom, options)).digest('hex');
  bom.serialNumber = `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  return `${serializer.serialize(bom, options)}\n`;
}

/** purl-spec, type deb. */
function purlOf({ name, version, architecture }: Installed): string {
  return `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}&distro=${suite}`;
}
