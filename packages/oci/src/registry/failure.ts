import { z } from 'zod';
import { OciError, type OciErrorCode } from '../error.ts';

/** A failure that may pass: the same request can be tried again. */
export class TransientFailure extends Error {
  override readonly name = 'TransientFailure';
  /** What to tell the person when it does not pass. */
  readonly error: OciError;
  /** How long the server asked to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(error: OciError, retryAfterMs?: number) {
    super(error.message, { cause: error });
    this.error = error;
    this.retryAfterMs = retryAfterMs;
  }
}

/** A refusal as the registry words it. */
export interface Refusal {
  /** As in the distribution specification, "Error Codes"; empty where there was none. */
  readonly code: string;
  readonly message: string;
}

const ERROR_BODY = z.object({
  errors: z.array(z.object({ code: z.string().optional(), message: z.string().optional() })).min(1),
});
const SHOWN_LIMIT = 200;

export function parseRefusal(text: string): Refusal {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { code: '', message: '' };
  }
  const first = ERROR_BODY.safeParse(json).data?.errors[0];
  return { code: printable(first?.code ?? ''), message: printable(first?.message ?? '') };
}

/** What others wrote, without control characters (they could rewrite a terminal) and not too long. */
export function printable(text: string): string {
  return text.slice(0, SHOWN_LIMIT).replaceAll(/[\p{Cc}\p{Cf}\p{Cs}]/gu, ' ');
}

const CODES: Readonly<Record<string, OciErrorCode>> = {
  NAME_UNKNOWN: 'name-unknown',
  MANIFEST_UNKNOWN: 'tag-unknown',
  BLOB_UNKNOWN: 'blob-unknown',
  DIGEST_INVALID: 'digest-mismatch',
  SIZE_INVALID: 'size-mismatch',
  MANIFEST_BLOB_UNKNOWN: 'blob-unknown',
};

export interface RefusedRequest {
  /** What was asked for, as a person calls it. */
  readonly what: string;
  readonly registry: string;
  readonly status: number;
  readonly missing: OciErrorCode;
  /** Whether a login was sent. */
  readonly loggedIn: boolean;
  readonly retryAfterMs: number | undefined;
}

/** The error for an answer that is no success and no reason to try again. */
export function refusalError(request: RefusedRequest, refusal: Refusal): OciError {
  const { what, registry, status } = request;
  const said = refusal.message === '' ? '' : `: ${refusal.message}`;
  if (status === 401 || status === 403) {
    return new OciError('denied', `${registry} does not give access to ${what} (${status}${said})`, {
      hint: request.loggedIn
        ? `check the name, and whether the login for ${registry} may use it`
        : `check the name; if it is not public, log in first: docker login ${registry}`,
    });
  }
  if (status === 429) {
    const wait =
      request.retryAfterMs === undefined ? 'later' : `in ${Math.ceil(request.retryAfterMs / 1000)} s`;
    return new OciError('rate-limited', `${registry} gets too many requests from here (429${said})`, {
      hint: request.loggedIn ? `try again ${wait}` : `try again ${wait}, or log in: docker login ${registry}`,
    });
  }
  if (status === 408 || status >= 500) {
    return new OciError('server-error', `${registry} failed when asked for ${what} (${status}${said})`);
  }
  const known = Object.hasOwn(CODES, refusal.code) ? CODES[refusal.code] : undefined;
  const code = known ?? (status === 404 ? request.missing : 'protocol');
  if (status === 404) return new OciError(code, `${registry} does not have ${what} (404${said})`);
  return new OciError(code, `${registry} answered ${status} when asked for ${what}${said}`);
}

const TLS_CODES =
  /^(?:ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|EPROTO$|HOSTNAME_MISMATCH$)/;

/** What fetch threw, as an error for a person; all but unknown hosts and TLS may pass. */
export function networkError(cause: unknown, host: string): OciError | TransientFailure {
  if (cause instanceof OciError) return cause.code === 'stalled' ? new TransientFailure(cause) : cause;
  const { code, message } = innermost(cause);
  if (code === 'ENOTFOUND') {
    return new OciError('host-not-found', `there is no host ${host}`, {
      hint: 'check its name, and that this machine has a name server',
      cause,
    });
  }
  if (TLS_CODES.test(code)) return tlsError(code, host, cause);
  const what = code === '' ? message : code;
  return new TransientFailure(
    new OciError('unreachable', `the connection to ${host} failed (${printable(what)})`, {
      hint: 'check the network, and HTTPS_PROXY if there is a proxy',
      cause,
    }),
  );
}

function tlsError(code: string, host: string, cause: unknown): OciError {
  const plain = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|EPROTO/.test(code);
  return new OciError(
    'tls',
    plain
      ? `${host} does not speak https (${code})`
      : `the certificate of ${host} is not one that this machine trusts (${code})`,
    {
      hint: plain
        ? `if it is a registry for plain http, allow that: --plain-http ${host}`
        : 'if it is right, name the file of its CA in NODE_EXTRA_CA_CERTS',
      cause,
    },
  );
}

/** fetch wraps the error of the socket, and that may be one for each address that was tried. */
function innermost(cause: unknown): { code: string; message: string } {
  let error: unknown = cause;
  for (let depth = 0; depth < 5 && error instanceof Error; depth++) {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
    const below: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
    if (!(below instanceof Error)) return { code, message: error.message };
    error = below;
  }
  return { code: '', message: String(error) };
}
