import { useEffect, useRef, useState } from 'react';
import { toApiError } from '../api/error';
import { useWords } from '../i18n';
import { tell } from '../live/notes';
import { Icon } from '../ui/Icon';
import { reasonOf } from '../ui/States';
import { ImportForm } from './ImportForm';
import { download, type Export } from './transfer';

/** Lists in from other sites, and everything out. */
export function Transfer() {
  const { t } = useWords();
  const section = useRef<HTMLElement>(null);
  useEffect(() => {
    if (window.location.hash === '#transfer') section.current?.scrollIntoView();
  }, []);
  return (
    <section className="section" id="transfer" ref={section} aria-labelledby="transfer-title">
      <h2 id="transfer-title">{t.me.transfer}</h2>
      <div className="profile-forms flat">
        <ImportForm />
        <ExportPanel />
      </div>
    </section>
  );
}

function ExportPanel() {
  const { t } = useWords();
  const [busy, setBusy] = useState<Export | null>(null);
  async function save(what: Export) {
    setBusy(what);
    try {
      await download(what);
    } catch (cause) {
      const error = toApiError(cause);
      tell({ failed: true, text: (words) => `${words.t.me.exportFailed} ${reasonOf(error, words.t.state)}` });
    } finally {
      setBusy(null);
    }
  }
  return (
    <section className="panel form" aria-labelledby="export-title">
      <h3 id="export-title">{t.me.export}</h3>
      <p className="panel-note">{t.me.exportHint}</p>
      <ul className="exports">
        {(['mal', 'shikimori', 'everything'] as const).map((what) => (
          <li key={what}>
            <button
              type="button"
              className="button"
              disabled={busy !== null}
              aria-busy={busy === what}
              onClick={() => void save(what)}
            >
              <Icon name="download" size={18} />
              {t.me.exports[what]}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
