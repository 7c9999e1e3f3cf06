import type { ShortTitle } from '../api/types';
import { TitleCard } from '../ui/TitleCard';

/** The ten everybody keeps, each beside its place. */
export function TopTen({ titles }: { titles: ShortTitle[] }) {
  return titles.slice(0, 10).map((title, index) => (
    <div className="top-place" key={title.id}>
      <span className="top-number" aria-hidden="true">
        {index + 1}
      </span>
      <TitleCard title={title} />
    </div>
  ));
}
