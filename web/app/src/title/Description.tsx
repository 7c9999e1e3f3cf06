import { useState } from 'react';
import { useWords } from '../i18n';

const long = 420;

/** The catalogue's text, by paragraphs; long ones open on request. */
export function Description({ text }: { text: string | null | undefined }) {
  const { t } = useWords();
  const [open, setOpen] = useState(false);
  const paragraphs = (text ?? '')
    .split(/\r?\n+/)
    .map((line) => line.trim())
    .filter(Boolean);
  if (paragraphs.length === 0) return <p className="description none">{t.title.noDescription}</p>;
  const folded = !open && paragraphs.join('').length > long;
  return (
    <div className="description">
      <div className={folded ? 'description-text folded' : 'description-text'}>
        {paragraphs.map((paragraph) => (
          <p key={paragraph}>{paragraph}</p>
        ))}
      </div>
      {folded || open ? (
        <button type="button" className="link-button" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? t.title.less : t.title.more}
        </button>
      ) : null}
    </div>
  );
}
