import { useEffect, useRef } from 'react';
import type { Imported, UnknownEntry } from '../api/schema.gen';
import { titlePath } from '../catalog';
import { fill, useWords } from '../i18n';
import { Link } from '../router';
import { byReason } from './transfer';

const shownOfReason = 50;

/** What would come, or came, of a file: figures, and every entry that was left out. */
export function ImportReport({ report, done }: { report: Imported; done: boolean }) {
  const { t } = useWords();
  const box = useRef<HTMLDivElement>(null);
  // The button that was pressed is gone by now, and the focus with it.
  useEffect(() => {
    if (done) box.current?.focus();
  }, [done]);
  const figures: [string, number][] = [
    [done ? t.me.imported : t.me.wouldImport, report.imported],
    [t.me.unchanged, report.unchanged],
    [done ? t.me.leftOut : t.me.willLeaveOut, report.unknown.length],
  ];
  return (
    <div className="report" ref={box} tabIndex={-1}>
      <dl className="figures">
        {figures.map(([label, n]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{n}</dd>
          </div>
        ))}
      </dl>
      {byReason(report.unknown).map(([reason, entries]) => (
        <details key={reason} className="left-out">
          <summary>
            {t.me.reasons[reason]} <span className="chip-count">{entries.length}</span>
          </summary>
          <ul>
            {entries.slice(0, shownOfReason).map((entry, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a file may say the same thing twice
              <UnknownRow key={index} entry={entry} />
            ))}
          </ul>
          {entries.length > shownOfReason ? (
            <p className="panel-note">{fill(t.me.andMore, { n: entries.length - shownOfReason })}</p>
          ) : null}
        </details>
      ))}
    </div>
  );
}

function UnknownRow({ entry }: { entry: UnknownEntry }) {
  const { lang, t } = useWords();
  const names = lang === 'en' ? [entry.title, entry.title_ru] : [entry.title_ru, entry.title];
  const name = names.find(Boolean) ?? (entry.source_id ? `№ ${entry.source_id}` : '—');
  const said = [entry.status ? t.lists.status[entry.status] : null, entry.score].filter(Boolean);
  return (
    <li>
      <span>
        {name}
        {said.length > 0 ? <span className="chip-count"> {said.join(' · ')}</span> : null}
      </span>
      {entry.candidates.map((id, index) => (
        <Link key={id} className="candidate" to={titlePath(id)}>
          {fill(t.me.candidate, { n: index + 1 })}
        </Link>
      ))}
    </li>
  );
}
