import type { Dictionary } from '../i18n/ru';
import type { IconName } from '../ui/Icon';
import type { ListStatus, Shelf } from './entries';

export const statusIcons: Record<ListStatus, IconName> = {
  watching: 'play',
  planned: 'bookmark',
  watched: 'check',
  postponed: 'pause',
  abandoned: 'stop',
};

export function shelfName(t: Dictionary, shelf: Shelf): string {
  return shelf === 'favorites' ? t.lists.favorites : t.lists.status[shelf];
}

export function shelfIcon(shelf: Shelf): IconName {
  return shelf === 'favorites' ? 'heartOn' : statusIcons[shelf];
}
