import { useState } from 'react';
import { fill, useWords } from '../i18n';

/** Something to be taken elsewhere: in full to be seen, and by one press. */
export function CopyRow({ name, text }: { name: string; text: string }) {
  const { t } = useWords();
  const [copied, setCopied] = useState(false);
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
    } catch {
      // Not allowed here: it stands in the field to be taken by hand.
      setCopied(false);
    }
  }
  return (
    <div className="copy-row">
      <label>
        <span>{name}</span>
        <input type="text" readOnly value={text} onFocus={(event) => event.target.select()} />
      </label>
      <button
        type="button"
        className="button small"
        aria-label={fill(t.inbox.copyOf, { name })}
        onClick={() => void copy()}
      >
        {copied ? t.inbox.copied : t.inbox.copy}
      </button>
      <span className="sr-only" role="status">
        {copied ? t.inbox.copied : null}
      </span>
    </div>
  );
}
