import { useMemo } from 'react';
import { useLanguage } from '../prefs';
import { en } from './en';
import { type Forms, plural } from './plural';
import { type Dictionary, ru } from './ru';

export type Language = 'ru' | 'en';

const dictionaries: Record<Language, Dictionary> = { ru, en };

export interface Words {
  lang: Language;
  t: Dictionary;
  count: (n: number, forms: Forms) => string;
}

/** The page's words in the viewer's language. */
export function useWords(): Words {
  const lang = useLanguage();
  return useMemo(() => {
    const count = (n: number, forms: Forms) => plural(lang, n, forms);
    return { lang, t: dictionaries[lang], count };
  }, [lang]);
}

export { fill } from './plural';
