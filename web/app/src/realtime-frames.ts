export interface Command {
  type: 'auth' | 'subscribe_updates' | 'ping';
  data?: Record<string, unknown>;
}

export interface Frame {
  type: string;
  data: Record<string, unknown>;
}

/** An event of the log. Everything else the server says answers a command. */
export interface Push extends Frame {
  event_id: string;
  position: string;
}

export interface NewEpisode {
  title_id: number;
  episode: number;
  title: string | { ru?: string | null; en?: string | null } | null;
  episode_name: string | null;
  poster: string | { small?: string | null; medium?: string | null } | null;
  timestamp: string | number;
}

/** Null for what is not a frame: a newer server may say things unknown here. */
export function parseFrame(raw: unknown): Frame | Push | null {
  if (typeof raw !== 'string') return null;
  try {
    const frame = JSON.parse(raw) as Partial<Push> | null;
    if (typeof frame?.type !== 'string') return null;
    return { ...frame, type: frame.type, data: frame.data ?? {} };
  } catch {
    return null;
  }
}

export function isPush(frame: Frame | Push): frame is Push {
  return 'event_id' in frame && typeof frame.event_id === 'string';
}

/** The event's data when it announces an episode, checked as far as it is used. */
export function asNewEpisode(push: Push): NewEpisode | null {
  const { title_id, episode } = push.data;
  if (push.type !== 'new_episode' || typeof title_id !== 'number') return null;
  return Number.isFinite(Number(episode)) ? (push.data as unknown as NewEpisode) : null;
}
