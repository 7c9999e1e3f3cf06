import { type FormEvent, useState } from 'react';
import { type ApiError, toApiError } from '../api/error';

export interface Submit {
  busy: boolean;
  done: boolean;
  error: ApiError | null;
  /** A field was changed: what was said of the last try is over. */
  reset: () => void;
  onSubmit: (event: FormEvent) => void;
}

/** A form's way to the server: busy, then done or an error, one try at a time. */
export function useSubmit(send: () => Promise<unknown>): Submit {
  const [state, setState] = useState<{ busy: boolean; done: boolean; error: ApiError | null }>(idle);
  async function run() {
    setState({ ...idle, busy: true });
    try {
      await send();
      setState({ ...idle, done: true });
    } catch (cause) {
      setState({ ...idle, error: toApiError(cause) });
    }
  }
  return {
    ...state,
    reset: () => setState((now) => (now.busy ? now : idle)),
    onSubmit: (event) => {
      event.preventDefault();
      if (!state.busy) void run();
    },
  };
}

const idle = { busy: false, done: false, error: null };
