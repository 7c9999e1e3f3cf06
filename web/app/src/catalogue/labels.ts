import type { Words } from '../i18n';
import { genreName } from '../i18n/genres';
import type { SingleFilter } from './filters';

/** A filter's value in the viewer's words. */
export function valueLabel(words: Words, filter: SingleFilter | 'genres', value: string): string {
  const { t, lang } = words;
  switch (filter) {
    case 'genres':
      return genreName(lang, value);
    case 'type':
      return t.type[value] ?? value;
    case 'status':
      return t.status[value] ?? value;
    case 'season':
      return capital(t.season[value] ?? value);
    case 'year':
      return value;
  }
}

// Seasons are written inside a sentence elsewhere; here they stand alone.
function capital(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}
