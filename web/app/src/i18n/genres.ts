// The catalogue's genres come in Russian. The English page shows their English
// names and still asks the API by the Russian ones.
const english: Record<string, string> = {
  'Боевые искусства': 'Martial arts',
  Вампиры: 'Vampires',
  Гарем: 'Harem',
  Демоны: 'Demons',
  Детектив: 'Mystery case',
  Дзёсей: 'Josei',
  Драма: 'Drama',
  Игры: 'Games',
  Исекай: 'Isekai',
  Исторический: 'Historical',
  Киберпанк: 'Cyberpunk',
  Комедия: 'Comedy',
  Магия: 'Magic',
  Меха: 'Mecha',
  Мистика: 'Occult',
  Музыка: 'Music',
  Пародия: 'Parody',
  Повседневность: 'Slice of life',
  Приключения: 'Adventure',
  Психологическое: 'Psychological',
  Романтика: 'Romance',
  Сверхъестественное: 'Supernatural',
  Сёдзе: 'Shoujo',
  'Сёдзе-ай': 'Shoujo-ai',
  Сейнен: 'Seinen',
  Сёнен: 'Shounen',
  Спорт: 'Sports',
  Суперсила: 'Superpower',
  Триллер: 'Thriller',
  Ужасы: 'Horror',
  Фантастика: 'Science fiction',
  Фэнтези: 'Fantasy',
  Школа: 'School',
  Экшен: 'Action',
  Этти: 'Ecchi',
};

export function genreName(lang: string, genre: string): string {
  return lang === 'en' ? (english[genre] ?? genre) : genre;
}
