import { type Digest, digestFault, isDigest } from './digest.ts';
import { OciError } from './error.ts';

/** An image in a registry, every part written out: `docker.io/library/debian:13`. */
export interface RegistryReference {
  readonly kind: 'registry';
  /** Host, and port where one was given: `docker.io`, `localhost:5000`, `[::1]:5000`. */
  readonly registry: string;
  readonly repository: string;
  /** `latest` where neither tag nor digest were given. */
  readonly tag?: string;
  /** Where there are tag and digest, the digest decides. */
  readonly digest?: Digest;
}

/** An image on this machine: `path` as it was given, `tag` to choose where there are several. */
export interface LocalReference {
  readonly kind: 'oci-layout' | 'oci-archive' | 'docker-archive';
  readonly path: string;
  readonly tag?: string;
}

/** The files of a system themselves, unpacked or as a tar. */
export interface RootfsReference {
  readonly kind: 'directory' | 'tar';
  readonly path: string;
}

export type Reference = RegistryReference | LocalReference | RootfsReference;

const PREFIXES: Readonly<Record<Exclude<Reference['kind'], 'registry'>, string>> = {
  'oci-layout': 'oci',
  'oci-archive': 'oci-archive',
  'docker-archive': 'docker-archive',
  directory: 'dir',
  tar: 'tar',
};

const DEFAULT_REGISTRY = 'docker.io';
/** A path's limit (limits.h), and room for the rest. */
const LENGTH_LIMIT = 8192;
const NAME_LIMIT = 255;
const TAG_LIMIT = 128;

// The grammar of github.com/distribution/reference: domain, path-component, tag.
const HOST_LABEL = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const REGISTRY = new RegExp(`^(?:${HOST_LABEL}(?:\\.${HOST_LABEL})*|\\[[a-fA-F0-9:]+\\])(?::([0-9]{1,5}))?$`);
const COMPONENT = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}$/;
// What org.opencontainers.image.ref.name may hold (OCI image specification, annotations.md).
const LAYOUT_TAG =
  /^[a-zA-Z0-9]+(?:(?:[-._:@+]|--)[a-zA-Z0-9]+)*(?:\/[a-zA-Z0-9]+(?:(?:[-._:@+]|--)[a-zA-Z0-9]+)*)*$/;

/**
 * Reads what a person writes for an image: `debian:13`, `ghcr.io/x/y@sha256:...`, `oci:DIR[:TAG]`,
 * `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:TAG]`, `dir:ROOTFS`, `tar:FILE`. A name without a registry is
 * docker.io's, and one without a folder there is in `library/`.
 *
 * Source: github.com/distribution/reference, and containers-transports(5) for the prefixes.
 *
 * @throws OciError `invalid-reference` that says at which character, counted from 1
 */
export function parseReference(text: string): Reference {
  if (text.length > LENGTH_LIMIT) throw fault(text, LENGTH_LIMIT, 'it is too long');
  const colon = text.indexOf(':');
  const prefix = text.slice(0, Math.max(0, colon));
  const rest = text.slice(colon + 1);
  switch (prefix) {
    case 'dir':
      return { kind: 'directory', path: checkPath(text, prefix, rest) };
    case 'tar':
      return { kind: 'tar', path: checkPath(text, prefix, rest) };
    case 'oci':
      return parseLocal(text, prefix, rest, 'oci-layout');
    case 'oci-archive':
    case 'docker-archive':
      return parseLocal(text, prefix, rest, prefix);
    default:
      return parseRegistry(text);
  }
}

/** A reference as text that `parseReference` reads back to the same. */
export function formatReference(reference: Reference): string {
  const tag = 'tag' in reference && reference.tag !== undefined ? `:${reference.tag}` : '';
  if (reference.kind !== 'registry') return `${PREFIXES[reference.kind]}:${reference.path}${tag}`;
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
  return `${reference.registry}/${reference.repository}${tag}${digest}`;
}

function fault(text: string, position: number, what: string, hint?: string): OciError {
  const shown = text.length > 300 ? `${text.slice(0, 300)}...` : text;
  return new OciError(
    'invalid-reference',
    `"${shown}" is not an image reference: ${what} (character ${position + 1})`,
    hint === undefined ? {} : { hint },
  );
}

function checkPath(text: string, prefix: string, path: string): string {
  if (path === '') throw fault(text, prefix.length + 1, `a path must follow "${prefix}:"`);
  const nul = path.indexOf('\0');
  if (nul >= 0) throw fault(text, prefix.length + 1 + nul, 'a path cannot hold a NUL');
  return path;
}

function parseLocal(
  text: string,
  prefix: string,
  rest: string,
  kind: LocalReference['kind'],
): LocalReference {
  const colon = rest.indexOf(':');
  if (colon < 0) return { kind, path: checkPath(text, prefix, rest) };
  const path = checkPath(text, prefix, rest.slice(0, colon));
  const tag = rest.slice(colon + 1);
  const position = prefix.length + 1 + colon + 1;
  if (tag === '')
    throw fault(text, position, 'the tag is missing after the colon', 'leave the colon out, or add a tag');
  if (!LAYOUT_TAG.test(tag) || tag.length > NAME_LIMIT + TAG_LIMIT) {
    throw fault(text, position, 'this cannot be a tag', 'the path itself must be without a colon');
  }
  return { kind, path, tag };
}

function parseRegistry(text: string): RegistryReference {
  refuseOtherForms(text);
  const at = text.indexOf('@');
  const named = at < 0 ? text : text.slice(0, at);
  const digest = at < 0 ? undefined : checkDigest(text, at + 1);
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const name = colon < 0 ? named : named.slice(0, colon);
  const tag = colon < 0 ? undefined : checkTag(text, named, colon + 1);
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const place = isRegistry(first)
    ? { registry: checkRegistry(text, first), repository: checkRepository(text, slash + 1, name.length) }
    : { registry: DEFAULT_REGISTRY, repository: checkRepository(text, 0, name.length) };
  const repository =
    place.registry === DEFAULT_REGISTRY && !place.repository.includes('/')
      ? `library/${place.repository}`
      : place.repository;
  if (place.registry.length + 1 + repository.length > NAME_LIMIT) {
    throw fault(text, 0, `the name has more than ${NAME_LIMIT} characters`);
  }
  if (/^library\/[0-9a-f]{64}$/.test(repository) && place.registry === DEFAULT_REGISTRY) {
    throw fault(text, 0, 'a name of 64 hexadecimal digits would be an image id', 'write NAME@sha256:DIGEST');
  }
  const wanted = tag ?? (digest === undefined ? 'latest' : undefined);
  return {
    kind: 'registry',
    registry: place.registry,
    repository,
    ...(wanted === undefined ? {} : { tag: wanted }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** What people write that is no reference, each with what to write instead. */
function refuseOtherForms(text: string): void {
  if (text === '') throw fault(text, 0, 'it is empty', 'write for example debian:13');
  const scheme = /^([a-z0-9+.-]+):\/\//i.exec(text);
  if (scheme !== null) {
    throw fault(text, 0, `it starts with "${scheme[0]}"`, `leave it out: ${text.slice(scheme[0].length)}`);
  }
  if (/^(?:\/|~|\.\.?\/)/.test(text)) {
    throw fault(
      text,
      0,
      'this is a path',
      'write dir:PATH, tar:PATH, oci:PATH, oci-archive:PATH or docker-archive:PATH',
    );
  }
}

/** The first part of a name is a registry where it could not be a folder on docker.io. */
function isRegistry(first: string): boolean {
  return first === 'localhost' || /[.:A-Z[]/.test(first);
}

function checkRegistry(text: string, registry: string): string {
  const match = REGISTRY.exec(registry);
  if (match === null) {
    const stranger = /[^a-zA-Z0-9.:[\]-]/.exec(registry);
    throw fault(text, stranger?.index ?? 0, `"${registry}" is not a host name with or without a port`);
  }
  const port = match[1];
  if (port !== undefined && (Number(port) === 0 || Number(port) > 65535)) {
    throw fault(text, registry.length - port.length, `${port} is not a port number`);
  }
  return registry === 'index.docker.io' ? DEFAULT_REGISTRY : registry;
}

function checkRepository(text: string, start: number, end: number): string {
  const repository = text.slice(start, end);
  let position = start;
  for (const component of repository.split('/')) {
    if (!COMPONENT.test(component)) throw componentFault(text, repository, component, position);
    position += component.length + 1;
  }
  return repository;
}

function componentFault(text: string, repository: string, component: string, position: number): OciError {
  if (component === '') return fault(text, position, 'a part of the name is missing here');
  const stranger = /[^a-z0-9._-]/.exec(component);
  if (stranger === null) {
    const misplaced = /^[._-]|[._-]$|\.[._-]|_[.-]|___|-[._]/.exec(component);
    return fault(
      text,
      position + (misplaced?.index ?? 0),
      'each part of a name starts and ends with a letter or digit, and between them is one of ".", "_", "__" or dashes',
    );
  }
  if (/[A-Z]/.test(stranger[0])) {
    const lower = text.replace(repository, repository.toLowerCase());
    return fault(
      text,
      position + stranger.index,
      `the name has the upper case letter ${stranger[0]}`,
      `write it as ${lower}`,
    );
  }
  return fault(text, position + stranger.index, `the name cannot have ${JSON.stringify(stranger[0])}`);
}

function checkTag(text: string, named: string, start: number): string {
  const tag = named.slice(start);
  if (tag === '')
    throw fault(text, start, 'the tag is missing after the colon', 'leave the colon out, or add a tag');
  if (TAG.test(tag)) return tag;
  if (tag.length > TAG_LIMIT) throw fault(text, start, `the tag has more than ${TAG_LIMIT} characters`);
  const stranger = /^[.-]|[^a-zA-Z0-9_.-]/.exec(tag);
  throw fault(
    text,
    start + (stranger?.index ?? 0),
    `a tag cannot have ${JSON.stringify(stranger?.[0])} here`,
  );
}

function checkDigest(text: string, start: number): Digest {
  const digest = text.slice(start);
  if (isDigest(digest)) return digest;
  if (digest === '') throw fault(text, start, 'the digest is missing after the @');
  throw fault(
    text,
    start,
    `its digest is wrong, ${digestFault(digest)}`,
    'a digest is sha256: and 64 hexadecimal digits',
  );
}
