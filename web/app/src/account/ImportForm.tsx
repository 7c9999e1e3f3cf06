import { useId, useState } from 'react';
import { type ApiError, toApiError } from '../api/error';
import type { Imported } from '../api/schema.gen';
import { fill, useWords } from '../i18n';
import { Link } from '../router';
import { reasonOf } from '../ui/States';
import { ImportReport } from './ImportReport';
import { fileFormat, importLists, type ListFormat } from './transfer';

interface Chosen {
  file: File;
  format: ListFormat;
  overwrite: boolean;
}

type Stage = 'choose' | 'checking' | 'checked' | 'importing' | 'imported';

/** A file, what would come of it, and only then the change. */
export function ImportForm() {
  const { t } = useWords();
  const fileId = useId();
  const [stage, setStage] = useState<Stage>('choose');
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const [report, setReport] = useState<Imported | null>(null);
  const [error, setError] = useState<ApiError | null>(null);

  async function run(what: Chosen, dryRun: boolean) {
    setChosen(what);
    setError(null);
    setStage(dryRun ? 'checking' : 'importing');
    try {
      setReport(await importLists(what.file, { ...what, dryRun }));
      setStage(dryRun ? 'checked' : 'imported');
    } catch (cause) {
      setError(toApiError(cause));
      setStage(dryRun ? 'choose' : 'checked');
    }
  }

  async function choose(file: File | undefined) {
    if (!file) return;
    setReport(null);
    await run({ file, format: await fileFormat(file), overwrite: chosen?.overwrite ?? false }, true);
  }

  const busy = stage === 'checking' || stage === 'importing';
  return (
    <section className="panel form" aria-labelledby={`${fileId}-title`}>
      <h3 id={`${fileId}-title`}>{t.me.import}</h3>
      <p className="panel-note">{t.me.importHint}</p>
      <div className="file-choice">
        <label className="button" htmlFor={fileId}>
          {t.me.chooseFile}
        </label>
        <input
          id={fileId}
          className="sr-only"
          type="file"
          accept=".xml,.json,.gz,application/xml,text/xml,application/json,application/gzip"
          disabled={busy}
          onChange={(event) => {
            void choose(event.target.files?.[0]);
            event.target.value = '';
          }}
        />
        <span className="file-name">{chosen ? chosen.file.name : t.me.noFile}</span>
      </div>
      {chosen ? (
        <>
          <label className="choice">
            {t.me.fileOf}
            <select
              value={chosen.format}
              disabled={busy}
              onChange={(event) => void run({ ...chosen, format: event.target.value as ListFormat }, true)}
            >
              <option value="mal">MyAnimeList</option>
              <option value="shikimori">Shikimori</option>
            </select>
          </label>
          <label className="check">
            <input
              type="checkbox"
              checked={chosen.overwrite}
              disabled={busy}
              onChange={(event) => void run({ ...chosen, overwrite: event.target.checked }, true)}
            />
            {t.me.overwrite}
          </label>
        </>
      ) : null}
      <div role="status">
        {busy ? (stage === 'checking' ? t.me.checking : t.me.importing) : null}
        {report && !busy ? <ImportReport report={report} done={stage === 'imported'} /> : null}
      </div>
      <p role="alert" className="form-wrong">
        {error ? explain(error, t) : null}
      </p>
      {stage === 'checked' && chosen && report ? (
        <div className="form-row">
          <button
            type="button"
            className="button primary"
            disabled={report.imported === 0}
            onClick={() => void run(chosen, false)}
          >
            {report.imported > 0 ? fill(t.me.importNow, { n: report.imported }) : t.me.nothingNew}
          </button>
        </div>
      ) : null}
      {stage === 'imported' ? (
        <div className="form-row">
          <Link className="button primary" to="/lists">
            {t.me.toLists}
          </Link>
        </div>
      ) : null}
    </section>
  );
}

function explain(error: ApiError, t: ReturnType<typeof useWords>['t']): string {
  if (error.status === 400) return t.me.badFile;
  if (error.status === 413) return t.me.bigFile;
  return reasonOf(error, t.state);
}
