import type { Names, PosterSet, ShortTitle } from './api/types';
import type { Language } from './i18n';

/** The name in the viewer's language, else whatever name there is. */
export function mainName(lang: Language, names: Names | null | undefined): string {
  const { ru, en, alternative } = names ?? {};
  return (lang === 'en' ? en || ru : ru || en) || alternative || '—';
}

/** The other name, for a second line; null when it would repeat the first. */
export function otherName(lang: Language, names: Names | null | undefined): string | null {
  const other = lang === 'en' ? names?.ru : names?.en;
  return other && other !== mainName(lang, names) ? other : null;
}

/** Seconds as `4:05` or `1:02:03`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(Number.isFinite(seconds) ? seconds : 0));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = `${h ? String(m).padStart(2, '0') : m}:${String(s).padStart(2, '0')}`;
  return h ? `${h}:${tail}` : tail;
}

/** RFC 3339, or unix seconds or milliseconds; null for what is no time. */
export function parseTime(value: string | number | null | undefined): Date | null {
  if (value === null || value === undefined || value === '') return null;
  const date = new Date(typeof value === 'number' && value < 1e11 ? value * 1000 : value);
  return Number.isNaN(date.getTime()) ? null : date;
}

const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];

/** "3 минуты назад"; a date after a week. */
export function ago(lang: Language, then: Date, now: Date): string {
  const seconds = (then.getTime() - now.getTime()) / 1000;
  if (Math.abs(seconds) > 7 * 86_400) return shortDate(lang, then);
  const [unit, size] = steps.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1];
  const format = new Intl.RelativeTimeFormat(lang, { numeric: 'auto', style: 'short' });
  return format.format(Math.trunc(seconds / size), unit);
}

export function shortDate(lang: Language, date: Date): string {
  return date.toLocaleDateString(lang, { day: 'numeric', month: 'short' });
}

export function dateAndTime(lang: Language, date: Date): string {
  const hour = lang === 'en' ? 'numeric' : '2-digit';
  const style = { day: 'numeric', month: 'long', hour, minute: '2-digit' } as const;
  return date.toLocaleString(lang, style);
}

export function timeOfDay(lang: Language, date: Date): string {
  return date.toLocaleTimeString(lang, { hour: lang === 'en' ? 'numeric' : '2-digit', minute: '2-digit' });
}

/** `R16_PLUS` as `16+`. */
export function ageRating(value: string | null): string | null {
  const years = value?.match(/\d+/)?.[0];
  return years ? `${years}+` : null;
}

/** Monday is 1, as in the API. */
export function weekday(date: Date): number {
  return date.getDay() === 0 ? 7 : date.getDay();
}

export function weekdayName(lang: Language, day: number, width: 'long' | 'short'): string {
  // 1 January 2024 was a Monday.
  return new Date(2024, 0, day).toLocaleDateString(lang, { weekday: width });
}

/** The best poster of at most the size asked for, else any there is. */
export function posterURL(
  poster: PosterSet | string | null | undefined,
  size: keyof PosterSet,
): string | null {
  if (!poster) return null;
  if (typeof poster === 'string') return poster;
  return poster[size] || poster.medium || poster.large || poster.small || null;
}

/** The large picture of a page, in the size that public/boot.js already asked for. */
export function leadPosterURL(poster: PosterSet | null | undefined): string | null {
  return posterURL(poster, window.innerWidth < 720 ? 'medium' : 'large');
}

/** The number on a new-episode label: the last one there is. */
export function lastEpisode(title: ShortTitle): number | null {
  return title.latest_episode?.ordinal ?? title.episodes?.current ?? null;
}
