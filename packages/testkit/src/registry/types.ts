import type { Digest } from '@cairn/oci';

export type TestRegistryAuth =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | {
      readonly kind: 'token';
      /** Who may log in at the token server; nobody unless given. */
      readonly username?: string;
      readonly password?: string;
      /** A refresh token that the token server takes instead of a password. */
      readonly identityToken?: string;
      /** Whether a token to pull is given to those who do not log in. */
      readonly anonymousPull?: boolean;
      /** How long tokens are good for; 300 unless told. */
      readonly expiresInSeconds?: number;
    };

export interface TestRegistryOptions {
  /** https with a certificate made for this registry. */
  readonly tls?: boolean;
  readonly auth?: TestRegistryAuth;
  /** The referrers API (distribution specification 1.1); true unless told. */
  readonly referrers?: boolean;
  /** Blobs are not served by the registry but by a redirect to another port. */
  readonly redirectBlobs?: boolean;
  /** The most tags, or referrers, in one answer; 100 unless told. */
  readonly pageSize?: number;
}

/** Which requests a fault meets. */
export interface FaultScope {
  /** Tested against the path of the request, without its query. */
  readonly path: RegExp;
  readonly method?: string;
  /** How many requests it meets before it is spent; 1 unless told. */
  readonly times?: number;
}

export type Fault = FaultScope &
  (
    | {
        readonly kind: 'status';
        readonly status: number;
        readonly retryAfter?: string;
        readonly body?: string;
      }
    /** The connection ends after so many bytes of the body. */
    | { readonly kind: 'cut'; readonly afterBytes: number }
    /** Nothing more comes after so many bytes of the body, and the connection stays. */
    | { readonly kind: 'stall'; readonly afterBytes: number }
    /** The connection ends without an answer. */
    | { readonly kind: 'reset' }
    /** The body comes in pieces with a pause before each. */
    | { readonly kind: 'slow'; readonly pieceBytes: number; readonly delayMs: number }
    /** The answer to a range begins so many bytes further than asked, and says so. */
    | { readonly kind: 'wrong-range'; readonly shift: number }
    /** The whole blob is sent although a range was asked for. */
    | { readonly kind: 'ignore-range' }
    /** 416, whatever was asked for. */
    | { readonly kind: 'range-refused' }
    /** 401 although the token is good. */
    | { readonly kind: 'stale-token' }
    /** The right number of bytes, one of them wrong. */
    | { readonly kind: 'wrong-bytes' }
    /** The body is one byte longer than it must be. */
    | { readonly kind: 'extra-byte' }
    | { readonly kind: 'no-length' }
    | { readonly kind: 'header'; readonly name: string; readonly value: string }
    | { readonly kind: 'redirect'; readonly location: string }
  );

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** `storage` is where redirected blobs come from. */
  readonly server: 'registry' | 'storage';
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** 0 where the connection ended without an answer. */
  readonly status: number;
  /** Bytes of the answer's body that were sent. */
  readonly bytesSent: number;
  /** Bytes of the request's body. */
  readonly bytesReceived: number;
}

export interface TestImage {
  readonly manifest: Digest;
  readonly config: Digest;
  readonly layers: readonly Digest[];
}

/** A registry inside of this process, on a port of 127.0.0.1 of its own. */
export interface TestRegistry extends AsyncDisposable {
  /** Host and port, as in a reference. */
  readonly host: string;
  readonly url: string;
  /** Host and port that blobs are redirected to. */
  readonly storageHost: string | undefined;
  /** PEM; what a client must trust. */
  readonly certificate: string | undefined;
  /** All requests that were answered, or ended, since the start or the last `forgetRequests`. */
  readonly requests: readonly RecordedRequest[];
  forgetRequests(): void;
  /** What was served on paths that match. */
  served(path?: RegExp): { readonly requests: number; readonly bytes: number };

  putBlob(repository: string, bytes: Uint8Array): Digest;
  /** Objects become JSON. */
  putManifest(repository: string, manifest: Uint8Array | object, mediaType: string, tag?: string): Digest;
  /** An image of these layers, with a small configuration unless one is given. */
  putImage(
    repository: string,
    tag: string,
    image: {
      readonly layers: readonly Uint8Array[];
      readonly config?: object;
      readonly layerMediaType?: string;
    },
  ): TestImage;
  /** All that is in an OCI image layout, with its tags; gives the digests that its index names. */
  putLayout(repository: string, folder: string): Promise<Digest[]>;
  blob(digest: Digest): Uint8Array | undefined;
  /** By tag or digest. */
  manifest(repository: string, reference: string): Uint8Array | undefined;
  tags(repository: string): string[];

  addFault(fault: Fault): void;
  clearFaults(): void;
  /** No token that was given is good any more. */
  revokeTokens(): void;
  close(): Promise<void>;
}
