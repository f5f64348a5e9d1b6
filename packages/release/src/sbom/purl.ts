import type { Distribution, InstalledPackage } from './types.ts';

/**
 * The package URL of an installed package: `pkg:deb/debian/curl@8.14.1-2?arch=amd64&distro=debian-13`.
 * `upstream` names the source package where it is not the package itself: advisories are written by source.
 *
 * Source: the package-url specification (ECMA-427) and its type definitions of deb, apk and rpm.
 */
export function packageUrl(installed: InstalledPackage, distribution: Distribution): string {
  const { format } = installed;
  const namespace = distribution.id.toLowerCase();
  const name = format === 'rpm' ? installed.name : installed.name.toLowerCase();
  const qualifiers: [key: string, value: string | undefined][] = [
    ['arch', installed.architecture],
    ['distro', distributionName(distribution)],
    ['epoch', installed.epoch ? String(installed.epoch) : undefined],
    ['upstream', upstreamOf(installed)],
  ];
  const query = qualifiers
    .filter((pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== '')
    .map(([key, value]) => `${key}=${encode(value)}`)
    .join('&');
  return `pkg:${format}/${encode(namespace)}/${encode(name)}@${encode(installed.version)}?${query}`;
}

function distributionName({ id, version }: Distribution): string {
  return version === undefined ? id : `${id}-${version}`;
}

function upstreamOf({ format, name, version, source }: InstalledPackage): string | undefined {
  if (source === undefined) return undefined;
  if (format === 'rpm') return `${source.name}-${source.version}.src.rpm`;
  if (source.version !== version) return `${source.name}@${source.version}`;
  return source.name === name ? undefined : source.name;
}

/** ECMA-427, section 5.4: letters, digits, `.`, `-`, `_`, `~` and `:` stand as they are. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replaceAll(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%3A', ':');
}
