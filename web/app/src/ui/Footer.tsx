import { useState } from 'react';
import { randomTitle, titlePath } from '../catalog';
import { useWords } from '../i18n';
import { navigate } from '../router';
import { Icon } from './Icon';

export function Footer() {
  const { lang, t } = useWords();
  const [busy, setBusy] = useState(false);

  async function surprise() {
    setBusy(true);
    try {
      navigate(titlePath((await randomTitle()).id));
    } catch {
      navigate('/catalogue');
    } finally {
      setBusy(false);
    }
  }

  return (
    <footer className="footer">
      <p>{t.nav.footer}</p>
      <a className="button quiet" href="/api/docs">
        {t.nav.api}
      </a>
      <a
        className="button quiet"
        href={`/api/anilibria/v2/feed.atom?lang=${lang}`}
        type="application/atom+xml"
      >
        {t.nav.feed}
      </a>
      <button type="button" className="button quiet" disabled={busy} onClick={surprise}>
        <Icon name="dice" size={18} />
        {t.nav.random}
      </button>
    </footer>
  );
}
