import { AniHub, AniHubError, type AniHubEvent } from './anihub.js';

/** One line for people; the compiler knows what each event has. */
export function describe(event: AniHubEvent): string {
  switch (event.type) {
    case 'new_episode':
    case 'episode_update':
      return `${event.data.title ?? event.data.title_id}: episode ${event.data.episode}`;
    case 'new_title':
      return `new: ${event.data.title} (${event.data.genres.join(', ')})`;
    case 'status_change':
      return `${event.data.old_status} → ${event.data.new_status}`;
  }
}

/** Tells of some titles until the function that it returns is called. */
export async function follow(
  url: string,
  titles: number[],
  tell: (line: string) => void,
): Promise<() => void> {
  const hub = new AniHub({ url, token: ({ renew }) => (renew ? null : sessionStorage.getItem('token')) });
  hub.on('event', (event) => tell(describe(event)));
  try {
    const { recovered, count } = await hub.subscribe({ titles }).ready;
    tell(recovered ? `${count} missed` : 'too much was missed');
  } catch (error) {
    if (!(error instanceof AniHubError)) throw error;
    tell(`refused: ${error.code}`);
  }
  return () => hub.close();
}
