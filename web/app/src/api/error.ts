export interface Failure {
  code: string;
  status: number;
  message: string;
  details?: unknown;
  /** Seconds, from `Retry-After`. */
  retryAfter?: number;
  requestId?: string;
}

/** Every way a request can fail, with the server's stable code when it gave one. */
export class ApiError extends Error {
  readonly code: string;
  readonly status: number;
  readonly details: unknown;
  readonly retryAfter: number | undefined;
  readonly requestId: string | undefined;

  constructor(failure: Failure) {
    super(failure.message);
    this.name = 'ApiError';
    this.code = failure.code;
    this.status = failure.status;
    this.details = failure.details;
    this.retryAfter = failure.retryAfter;
    this.requestId = failure.requestId;
  }

  /** True when trying again later may help without anybody changing anything. */
  get temporary(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

interface ErrorBody {
  error?: { code?: string; message?: string; details?: unknown };
  request_id?: string;
}

export async function readError(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => ({}))) as ErrorBody;
  const seconds = Number(response.headers.get('Retry-After'));
  return new ApiError({
    code: body.error?.code ?? `HTTP_${response.status}`,
    status: response.status,
    message: body.error?.message ?? response.statusText,
    details: body.error?.details,
    retryAfter: seconds > 0 ? seconds : undefined,
    requestId: body.request_id ?? response.headers.get('X-Request-ID') ?? undefined,
  });
}

export function toApiError(cause: unknown): ApiError {
  if (cause instanceof ApiError) return cause;
  return new ApiError({ code: 'UNKNOWN', status: 0, message: String(cause) });
}
